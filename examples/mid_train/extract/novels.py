"""Novels in R's lazy-load database: objects one after another, each a big-endian length and a zlib stream of R's XDR serialisation."""
import re
import struct
import zlib

from documents import Document, reflow

HELD_OUT = "persuasion"
CHAPTER = re.compile(r"^(?:CHAPTER|Chapter) (?:[IVXL]+|\d+)\.?$", re.M)


def r_strings(data):
    """The character vectors of a .rdb: a string is flags with low byte 9 (CHARSXP), a length and the bytes."""
    at, found = 0, []
    while at + 4 < len(data):
        stream = zlib.decompressobj()
        raw = stream.decompress(data[at + 4:])
        if len(raw) != struct.unpack(">I", data[at:at + 4])[0]:
            raise ValueError(f"object at byte {at} inflates to {len(raw)} bytes, which is not the length it states")
        at = len(data) - len(stream.unused_data)
        lines, p = [], 0
        while p + 8 <= len(raw):
            flags, size = struct.unpack(">Ii", raw[p:p + 8])
            if flags & 255 == 9 and flags < 1 << 20 and 0 <= size <= len(raw) - p - 8:
                lines.append(raw[p + 8:p + 8 + size].decode("utf-8", "replace"))
                p += 8 + size
            else:
                p += 1
        found.append("\n".join(lines))
    return found


def tidy(text):
    """Paragraphs in one line each, no underscores for emphasis, no transcriber's notes."""
    text = re.split(r"^\s*(?:A NOTE ON THE TEXT|Transcriber)", text, flags=re.M)[0]
    text = re.sub(r"_([^_\n]+(?:\n[^_\n]+){0,6})_", r"\1", text)
    text = re.sub(r"\n{3,}", "\n\n", text)
    return reflow(re.sub(r"(?<=\S)  +", " ", text), 60)


def novels(data):
    """Whole novels, and chapter by chapter the one that is held out."""
    documents = []
    for raw in r_strings(data):
        text = tidy(raw)
        name = re.sub(r"\W+", "-", text.split("\n", 1)[0].strip().lower())
        if name == HELD_OUT:
            starts = [m.start() for m in CHAPTER.finditer(text)] + [len(text)]
            documents += [Document(f"austen/{name}/{number}", f"austen/{name}", lambda t=text[a:b]: t)
                          for number, (a, b) in enumerate(zip(starts, starts[1:]), 1)]
        else:
            documents.append(Document(f"austen/{name}", f"austen/{name}", lambda t=text: t))
    return documents
