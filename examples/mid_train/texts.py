#!/usr/bin/env python3
"""Makes the text of the quick start's seven sources from the packages that fetch.py brought.

    texts.py CACHE [--mb-per-source N]

    CACHE/text/SOURCE.train.jsonl       at most N million bytes of text (3 unless told), drawn across the whole source
    CACHE/text/SOURCE.held_out.jsonl    about a twentieth of that, never trained on, whatever N
    CACHE/text/sources.json             packages, licences, counts and checksums

One {"id": ..., "text": ...} a line. The same packages and N give the same bytes. Exit status: 0, or 4 if a source cannot be made.
"""
import argparse
import gzip
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import documents
import packages
from extract import dictionaries, manuals, metamath, novels, programs, quiz

NOTES = {
    "general": "Articles of the Free On-line Dictionary of Computing: encyclopaedic prose about one field. It is not web text or news.",
    "code": "Headers of the GNU C++ library without their notices of licence: C++ templates by experts. It is one language and one style.",
    "maths": "Proof scripts of HOL Light in OCaml: theorems and tactics with short comments. It is not mathematics in prose.",
    "questions": "Questions with answers: Perl's FAQ in full, the quizzes of bsdgames (with the facts of their day), and, up to a fifth "
                 "of the limit, templates filled from WordNet, which is most of it. It is not dialogue and not preferences.",
    "knowledge": "Webster's dictionary of 1913 with additions, WordNet's glosses, a C++ textbook, the Debian Reference and Perl's manuals, "
                 "in equal shares as far as they reach.",
    "books": "Five novels of Jane Austen, each as one long document, as many as fit; chapters of Persuasion are held out.",
    "reasoning": "Proofs of the Metamath database set.mm, each replayed and written in numbered steps. It is formal reasoning, "
                 "not a chain of thought in natural language.",
}


def say(text):
    print(text, flush=True)


def decoded(data):
    """UTF-8, or Latin-1 where it is not, with plain blanks."""
    try:
        return data.decode("utf-8").replace("\u00a0", " ")
    except UnicodeDecodeError:
        return data.decode("latin-1").replace("\u00a0", " ")


class Raw:
    """The unpacked packages."""

    def __init__(self, cache):
        self.root = cache / "raw"
        self.synsets = None

    def paths(self, package, folder, pattern):
        """Files below a folder (whose name may hold *), none if the package is not there."""
        return sorted(path for path in (self.root / package).glob(f"{folder}/{pattern}") if path.is_file())

    def texts(self, package, folder, pattern):
        """{name: text}, with the name below the folder and without what the pattern says anyway."""
        depth, ending = len(pathlib.PurePath(folder).parts), pattern.rpartition("*")[2]
        return {"/".join(path.relative_to(self.root / package).parts[depth:]).removesuffix(ending):
                decoded(path.read_bytes()) for path in self.paths(package, folder, pattern)}

    def unzipped(self, package, folder, name):
        """The text of a gzip file, or "" if it is not there."""
        return "".join(decoded(gzip.decompress(path.read_bytes())) for path in self.paths(package, folder, name))


def dictd(raw, package, name, article):
    folder = "usr/share/dictd"
    index = raw.texts(package, folder, f"{name}.index")
    return [d for path in raw.paths(package, folder, f"{name}.dict.dz")
            for d in dictionaries.dictionary(name, path.read_bytes(), *index.values(), article)]


def pods(raw, questions):
    """Perl's questions, or its manuals without release notes, lists of contents, licences and translations."""
    files = raw.texts("perl-doc", "usr/share/perl/*/pod", "*.pod")
    other = re.compile(r"perl(\d+delta|delta|toc|artistic|gpl|cn|jp|ko|tw|uniprops|modlib|haiku|todo|repository|bo[ot]t?|tooc|api|intern)$")
    faq = re.compile(r"perl(?:faq\d?|unifaq)$")
    if questions:
        return manuals.perl_questions({name: text for name, text in files.items() if faq.match(name)})
    return manuals.perl_manuals({name: text for name, text in files.items() if not faq.match(name) and not other.match(name)})


def wordnet(raw, kind):
    """WordNet is read once for the two sources that it is part of."""
    if raw.synsets is None:
        raw.synsets = dictionaries.synsets(raw.texts("wordnet-base", "usr/share/wordnet", "data.*"))
    return dictionaries.wordnet(raw.synsets, kind)


def parts_of(source, raw, limit):
    """The parts of a source, each with the bytes it may give."""
    if source == "general":
        return [(dictd(raw, "dict-foldoc", "foldoc", dictionaries.foldoc_article), limit)]
    if source == "code":
        return [(programs.headers(raw.texts("libstdc++-dev", "usr/include/c++/*", "**/*")), limit)]
    if source == "maths":
        files = raw.texts("hol-light", "usr/share/hol-light", "**/*.ml")
        return [(programs.proofs({name: text for name, text in files.items() if "database" not in name}), limit)]
    if source == "questions":
        games = raw.texts("bsdgames", "usr/share/games/bsdgames/quiz", "*")
        return [(pods(raw, True), limit), (quiz.quizzes(games), limit), (wordnet(raw, "questions"), 0.2 * limit)]
    if source == "knowledge":
        annotations = raw.unzipped("c++-annotations-txt", "usr/share/doc/c++-annotations", "cplusplus.txt.gz")
        reference = raw.unzipped("debian-reference-en", "usr/share/debian-reference", "debian-reference.en.txt.gz")
        return [(part, limit) for part in (
            dictd(raw, "dict-gcide", "gcide", dictionaries.gcide_article), wordnet(raw, "glosses"), pods(raw, False),
            manuals.annotations(annotations) if annotations else [], manuals.debian_reference(reference) if reference else [])]
    if source == "books":
        data = raw.paths("r-cran-janeaustenr", "usr/lib/R/site-library/janeaustenr/data", "Rdata.rdb")
        return [(novels.novels(path.read_bytes()), limit) for path in data]
    database = raw.texts("metamath-databases", "usr/share/metamath/databases", "set.mm")
    return [(metamath.theorems(text), limit) for text in database.values()]


def write(path, texts):
    """Writes the documents, one a line; what the record of the sources says about the file."""
    lines = "".join(json.dumps({"id": t.id, "text": t.text}, ensure_ascii=False) + "\n" for t in texts).encode()
    part = path.with_name(path.name + ".part")
    part.write_bytes(lines)
    os.replace(part, path)
    return {"documents": len(texts), "text_bytes": sum(len(t.text.encode()) for t in texts),
            "file_bytes": len(lines), "sha256": hashlib.sha256(lines).hexdigest()}


def package_record(cache, package):
    """Name, version, licence and checksum of a package that is there, else None."""
    deb = cache / "deb" / f"{package}.deb"
    if not deb.is_file():
        return None
    name, version = subprocess.run(["dpkg-deb", "-f", str(deb), "Package", "Version"], check=True, capture_output=True, text=True
                                   ).stdout.splitlines()
    with open(deb, "rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": name.removeprefix("Package: "), "version": version.removeprefix("Version: "),
            "licence": packages.DEBIAN[package].licence, "sha256": checksum}


def make(raw, limit):
    """{source: texts} to train on and held out, and what was dropped."""
    train, held_out = {}, {}
    for source in packages.SOURCES:
        start = time.time()
        parts = [(found, at_most) for found, at_most in parts_of(source, raw, limit) if found]
        if not parts:
            say(f"{source}: left out: none of {', '.join(packages.SOURCES[source])} is in {raw.root}")
            continue
        families = {f"austen/{novels.HELD_OUT}"} if source == "books" else None
        train[source], held_out[source] = documents.split(parts, limit, families)
        there = sum(len(found) for found, _ in parts)
        say(f"{source}: {len(train[source])} + {len(held_out[source])} of {there} documents, {time.time() - start:.1f} s")
    start = time.time()
    dropped = documents.decontaminate(train, held_out)
    say(f"held out against trained on, all sources: {time.time() - start:.1f} s")
    return train, held_out, dropped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("--mb-per-source", type=float, default=3.0, metavar="N")
    given = parser.parse_args()
    start = time.time()
    target = given.cache / "text"
    target.mkdir(parents=True, exist_ok=True)
    train, held_out, dropped = make(Raw(given.cache), given.mb_per_source * 1e6)
    record = {}
    for source in train:
        record[source] = {
            "what": NOTES[source],
            "packages": [p for p in (package_record(given.cache, name) for name in packages.SOURCES[source]) if p],
            "train": write(target / f"{source}.train.jsonl", train[source]),
            "held_out": write(target / f"{source}.held_out.jsonl", held_out[source]),
            "dropped": dropped[source]}
        line = "; ".join(f"{split.replace('_', ' ')} {record[source][split]['documents']} documents, "
                         f"{record[source][split]['text_bytes'] / 1e6:.2f} MB" for split in ("train", "held_out"))
        say(f"{source}: {line}; dropped {dropped[source]}")
    (target / "sources.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    say(f"all in {target}, {time.time() - start:.1f} s")
    return 0 if len(train) == len(packages.SOURCES) else 4


if __name__ == "__main__":
    sys.exit(main())
