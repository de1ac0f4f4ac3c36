"""C++ headers and HOL Light proof scripts, without the notices of licence that every file repeats."""
import re

from documents import Document, anonymous, grouped

NOTICE = re.compile(r"copyright|general public license|without limitation|permission to use|all rights reserved", re.I)
LEAST = 1500
LONGEST = 60000


def without_notice(text):
    """Drops the GPL's notice, which goes over several comments, and every other comment that holds a notice."""
    text = re.sub(r"^//[^\n]*Copyright(?:(?!^[^/\n]).)*?^// *<http://www\.gnu\.org/licenses/>\.\n", "", text, flags=re.M | re.S)
    text = re.sub(r"(?:^//[^\n]*\n)+", lambda m: "" if NOTICE.search(m.group()) else m.group(), text, flags=re.M)
    return re.sub(r"/\*(?:(?!\*/).)*?\*/", lambda m: "" if NOTICE.search(m.group()) else m.group(), text, flags=re.S)


def header(raw):
    text = re.sub(r"\n{3,}", "\n\n", without_notice(raw)).strip("\n")
    text = re.sub(r"^// -\*- C\+\+ -\*-\n+|(?<=\S) *-\*- C\+\+ -\*-", "", text, flags=re.M)
    return anonymous(re.sub(r"\s*<[^<>\s]+@[^<>\s]+>", "", text)) + "\n"


def headers(files):
    """files: {path: text}. A header is a document; those that only say which others to include are too short to be one."""
    return [Document(f"libstdc++/{path}", f"libstdc++/{path}", lambda t=text: header(t))
            for path, text in sorted(files.items()) if 600 < len(text) <= LONGEST]


SECTION = re.compile(r"^(?=\(\* ?[-=]{10,}[^\n]*\n\(\* )", re.M)


def proof_script(raw):
    text = re.sub(r"^\(\* ?(?:\(c\) Copyright|Copyright|Distributed under)[^\n]*\n", "", raw, flags=re.M | re.I)
    return re.sub(r"\n{3,}", "\n\n", text)


def proofs(files):
    """files: {path: text} of HOL Light. A section under its heading is a document, small ones with the next; a file is a family."""
    pieces = []
    for path, text in sorted(files.items()):
        for place, piece in enumerate(SECTION.split(text)):
            if len(piece) <= LONGEST:
                pieces.append((f"hol-light/{path}/{place}", f"hol-light/{path}", len(piece), lambda p=piece: proof_script(p)))
    return list(grouped(pieces, LEAST))
