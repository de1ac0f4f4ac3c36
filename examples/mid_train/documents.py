"""Documents, how they are cleaned, and how a source is split, sampled and checked: by document, by a fixed hash, always the same.

A document belongs to a family (a header, a novel, a chapter, a stretch of a dictionary), and a family is held out or
trained on as a whole. Its text is made only when it is wanted, since most of a big source is not.
"""
import dataclasses
import hashlib
import heapq
import re
import unicodedata
from collections.abc import Callable

HELD_OUT_SHARE = 0.05    # of the families
HELD_OUT_LEAST = 40      # documents a source, where there are twice as many
SHORTEST = 20            # words
SHINGLE = 13             # words in a row, as the decontamination of GPT-3 took them (Brown et al. 2020, appendix C)
CONTAMINATED = 0.5       # of a document's shingles

APART = re.compile(r"^(?:\s|[#$])|\S {3,}\S")             # indented, a command, a table
ITEM = re.compile(r"^(?:\d+\.|\([a-z]\)|[-*o])\s")       # of a list


@dataclasses.dataclass(frozen=True)
class Document:
    id: str
    family: str
    render: Callable[[], str]  # raw text, or "" if it is not worth having


@dataclasses.dataclass(frozen=True)
class Text:
    id: str
    text: str


def clean(text):
    """Composed Unicode without control characters, trailing blanks and runs of empty lines."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n"))
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff\ufffd]", "", text).replace("\u00a0", " ")
    text = re.sub(r"[ \t]+\n", "\n", text)
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n").rstrip() + "\n"


def anonymous(text):
    """Another address in the place of every e-mail address."""
    return re.sub(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", "someone@example.org", text)


def reflow(text, width):
    """Joins the lines of a paragraph that were broken only because the next word went beyond the width.

    Indented, spaced out and deliberately short lines stay as they are: verse, code, tables, addresses, lists.
    """
    out, joined_to = [], 0
    for line in text.split("\n"):
        words = line.split(None, 1)
        above = out[-1] if out else ""
        broken = above and words and not ITEM.match(line) and not APART.search(line) \
            and not APART.search(above[joined_to:]) and len(above) - joined_to + 1 + len(words[0]) > width
        if broken:
            blank = "" if above.endswith("/") else " "  # a path is broken after its slash
            joined_to = len(above + blank)
            out[-1] = above + blank + line
        else:
            joined_to = 0
            out.append(line)
    return "\n".join(out)


def grouped(pieces, least):
    """Puts (id, family, size, render) with a size below `least` together, as long as they follow each other in one family."""
    held = []

    def flush():
        if held:
            renders = [piece[3] for piece in held]
            yield Document(held[0][0], held[0][1], lambda: "\n\n".join(filter(None, (render().strip("\n") for render in renders))))
            held.clear()

    for piece in pieces:
        if held and (piece[1] != held[0][1] or piece[2] >= least):
            yield from flush()
        held.append(piece)
        if sum(size for _, _, size, _ in held) >= least:
            yield from flush()
    yield from flush()


def rank(text):
    """A fixed number in [0, 1) from a text: the same on every machine and in every run."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


def held_out_families(documents):
    """The families of low rank: 5 %, and as many more as make 40 documents and some to spare, or half of what there is."""
    count = {}
    for document in documents:
        count[document.family] = count.get(document.family, 0) + 1
    least = min(HELD_OUT_LEAST * 5 // 4, len(documents) // 2)  # some are copies of others, or too short
    chosen, had = set(), 0
    for family in sorted(count, key=rank):
        if rank(family) >= HELD_OUT_SHARE and had >= least:
            break
        chosen.add(family)
        had += count[family]
    return chosen


def sample(parts, limit, least=0):
    """Texts of at most `limit` bytes (but `least` documents), drawn across the parts by the rank of the id.

    parts: list of (documents, limit of this part). The part with the fewest bytes so far comes next, so every part gets
    the same share, and what a small one cannot fill goes to the others.
    """
    queues = [iter(sorted(documents, key=lambda d: rank("order of " + d.id))) for documents, _ in parts]
    heap = [(0, number) for number in range(len(parts))]
    texts, total, seen = [], 0, set()
    while heap and (total < 0.98 * limit or len(texts) < least):
        had, number = heapq.heappop(heap)
        document = next(queues[number], None)
        if document is None or (had >= parts[number][1] and len(texts) >= least):
            continue
        text = clean(document.render())
        size = len(text.encode())
        fits = total + size <= limit or len(texts) < least
        if fits and len(text.split()) >= SHORTEST and fingerprint(text) not in seen:
            seen.add(fingerprint(text))
            texts.append(Text(document.id, text))
            had, total = had + size, total + size
        heapq.heappush(heap, (had, number))
    return texts


def split(parts, limit, families=None):
    """(train, held out) of one source, both within their limits; what is held out never depends on the limit."""
    families = families or held_out_families([document for documents, _ in parts for document in documents])
    share = HELD_OUT_SHARE / (1 - HELD_OUT_SHARE)
    keep = [([d for d in documents if d.family not in families], at_most) for documents, at_most in parts]
    hold = [([d for d in documents if d.family in families], at_most * share) for documents, at_most in parts]
    return sample(keep, limit), sample(hold, limit * share, HELD_OUT_LEAST)


def normal(text):
    return re.findall(r"\w+", text.lower())


def fingerprint(text):
    return hashlib.sha256(" ".join(normal(text)).encode()).digest()


def shingles(text):
    words = normal(text)
    return {" ".join(words[i:i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))}


def decontaminate(train, held_out):
    """Drops copies, trained texts that repeat held-out ones, and held-out texts that what is trained on gives away.

    train, held_out: {source: list of Text}, changed in place; every source is compared with every other.
    Returns {source: counts of what was dropped}.
    """
    dropped = {source: {"copies": 0, "train": 0, "held_out": 0} for source in train}
    seen = set()
    for texts in (held_out, train):  # held out first, so that of two copies the trained one goes
        for source in texts:
            kept = []
            for text in texts[source]:
                key = fingerprint(text.text)
                if key not in seen:
                    kept.append(text)
                seen.add(key)
            dropped[source]["copies"] += len(texts[source]) - len(kept)
            texts[source] = kept
    wanted = {(source, text.id): shingles(text.text) for source in held_out for text in held_out[source]}
    every = set().union(*wanted.values()) if wanted else set()
    given_away = set()
    for source in train:
        kept = []
        for text in train[source]:
            mine = shingles(text.text)
            common = mine & every
            if len(common) <= CONTAMINATED * len(mine):
                kept.append(text)
                given_away |= common
        dropped[source]["train"] = len(train[source]) - len(kept)
        train[source] = kept
    for source in held_out:
        kept = [t for t in held_out[source]
                if len(wanted[source, t.id] & given_away) <= CONTAMINATED * len(wanted[source, t.id])]
        dropped[source]["held_out"] = len(held_out[source]) - len(kept)
        held_out[source] = kept
    return dropped
