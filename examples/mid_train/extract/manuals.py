"""Manuals: Perl's documentation and its questions and answers, the C++ Annotations, the Debian Reference."""
import re

from documents import Document, anonymous, grouped, reflow

LEAST = 1000
LONGEST = 60000
NAMED = {"lt": "<", "gt": ">", "verbar": "|", "sol": "/", "amp": "&", "quot": '"', "eacute": "é", "nbsp": " "}


def code_text(letter, inner):
    """What a formatting code of perlpod stands for in plain text."""
    if letter in "XZ":
        return ""
    if letter == "E":
        return NAMED.get(inner) or (chr(int(inner, 0)) if re.fullmatch(r"0x[0-9a-fA-F]+|[1-9]\d*", inner) else inner)
    if letter == "L":
        if "|" in inner:
            return inner.split("|", 1)[0]
        page, _, section = inner.partition("/")
        section = section.strip('"')
        return f'"{section}" in {page}' if page and section else f'"{section}"' if section else page
    return f'"{inner}"' if letter == "C" and " " in inner and '"' not in inner else inner


def without_codes(text):
    """Replaces C<..>, C<< .. >>, L<..> and the rest, inner ones first."""
    text = re.sub(r"([A-Z])(<{2,})\s+(.*?)\s+(>{2,})", lambda m: code_text(m[1], m[3].replace("<", "\1").replace(">", "\2"))
                  if len(m[2]) == len(m[4]) else m[0], text, flags=re.S)
    while True:
        changed = re.sub(r"([BCEFILSXZ])<([^<>]*)>", lambda m: code_text(m[1], m[2]).replace("<", "\1").replace(">", "\2"), text)
        if changed == text:
            return text.replace("\1", "<").replace("\2", ">")
        text = changed


def pod_text(pod):
    """Plain text of a piece of POD: headings, paragraphs in one line, lists with a dash, code as it is."""
    out, skip = [], False
    for block in re.split(r"\n(?:[ \t]*\n)+", pod.strip("\n")):
        command = re.match(r"=(\w+)\s*(.*)", block, re.S)
        if skip or (command and command[1] in ("begin", "for")):
            skip = not (command and command[1] in ("end", "for"))
        elif command is None:
            out.append(block if block[:1].isspace() else " ".join(without_codes(block).split()))
        elif command[1].startswith("head") or command[1] == "item":
            title = " ".join(without_codes(command[2]).split())
            if command[1] == "item":
                title = re.sub(r"^[*]\s*", "", title)
                title = "- " + title if title else "-"
            out.append(title)
    return re.sub(r"^-\n\n", "- ", anonymous("\n\n".join(filter(None, out))), flags=re.M) + "\n"


def perl_questions(files):
    """perlfaq1 to perlfaq9 and perlunifaq: each heading that is a question, with its answer. files: {name: text}"""
    documents = []
    for name, text in sorted(files.items()):
        for piece in re.split(r"^(?==head[12] )", text, flags=re.M):
            title, _, body = piece.partition("\n\n")
            asked = " ".join(without_codes(re.sub(r"^=head2\s*", "", title)).split())
            if title.startswith("=head2 ") and "?" in asked and body.strip():
                documents.append(Document(f"{name}/{asked}", f"{name}/{asked}", lambda a=asked, b=body: answer(a, b)))
    return documents


def answer(asked, body):
    text = re.sub(r"^\(contributed by [^)]*\)\s*", "", pod_text(body), flags=re.I)
    return f"Question: {asked}\n\nAnswer: {text}"


def perl_manuals(files):
    """Sections of the pods, and the items of a list where they are very long. A pod is a family. files: {name: text}"""
    pieces = []
    for name, text in sorted(files.items()):
        sections = re.split(r"^(?==head[12] )", text, flags=re.M)
        short = [p for s in sections for p in ([s] if len(s) <= LONGEST else re.split(r"^(?==item )", s, flags=re.M))]
        for place, piece in enumerate(short):
            skipped = re.match(r"=head1 (?:NAME|AUTHOR|COPYRIGHT|SEE ALSO|HISTORY|LICEN|ACKNOWL|VERSION)", piece)
            if piece.startswith(("=head", "=item")) and not skipped:
                pieces.append((f"perl/{name}/{place}", f"perl/{name}", len(piece), lambda p=piece: pod_text(p)))
    return list(grouped(pieces, LEAST))


def annotation(text):
    """Paragraphs of the C++ Annotations in one line each; no places where a figure was.

    The text marks a paragraph, or the first line of a listing, with more blanks than the line after it has.
    """
    lines = re.sub(r"^.*Insert Figure.*$", "", text, flags=re.M).expandtabs().split("\n")
    depth = [len(line) - len(line.lstrip(" ")) if line else None for line in lines]
    for at in range(1, len(lines) - 1):
        before, here, after = depth[at - 1:at + 2]
        if here and not before and after is not None:
            if after == 0 and len(lines[at]) > 50:
                lines[at] = lines[at].lstrip(" ")
            elif 0 < after <= here - 4:
                lines[at] = lines[at][here - after:]
        elif here and before == 0 and (here < 4 or here < 9 and after == 0 and not re.search(r"[;:{}()]$|//", lines[at])
                                       and not lines[at - 1].endswith(":")):
            lines[at] = lines[at].lstrip(" ")
    return re.sub(r"\n{3,}", "\n\n", reflow(anonymous("\n".join(lines)), 60))


def annotations(text):
    """Sections N.M of the C++ Annotations after the table of contents. A chapter is a family."""
    start = [m.start() for m in re.finditer(r"^Chapter 1: ", text, re.M)][-1]
    pieces, chapter = [], ""
    for piece in re.split(r"^(?=(?:Chapter \d+|\d+\.\d+): [A-Z`'a-z])", text[start:], flags=re.M):
        name = piece.split(":", 1)[0]
        if not piece.strip():
            continue
        chapter = name if name.startswith("Chapter") else chapter
        pieces.append((f"c++-annotations/{name}", f"c++-annotations/{chapter}", len(piece), lambda p=piece: annotation(p)))
    return list(grouped(pieces, LEAST))


def reference(text):
    """A section of the Debian Reference without its tables, whose cells are broken into columns."""
    text = re.sub(r"^ *Table \d+\.\d+\. [^|+]*?\n(?=\s*\+-)", "", text, flags=re.M)
    text = re.sub(r"^ *[+|].*[+|]$\n?", "", text, flags=re.M)
    text = re.sub(r"^ {4}", "", text, flags=re.M)
    text = re.sub(r"^ +$", "", text, flags=re.M)
    text = re.sub(r"^( +\* .*)((?:\n {4}\S.*)+)", lambda m: m[1] + re.sub(r"\n {4}", " ", m[2]), text, flags=re.M)
    return re.sub(r"\n{3,}", "\n\n", anonymous(reflow(text, 58)))


def debian_reference(text):
    """Sections N.M and N.M.K of the Debian Reference, from its first chapter to its appendix. A chapter is a family."""
    body = re.search(r"^Chapter 1\. .*?(?=^Appendix A\. |\Z)", text, re.M | re.S)
    pieces = []
    for piece in re.split(r"^(?=Chapter \d+\. |\d+\.\d+\.(?:\d+\.)? \S)", body.group(), flags=re.M):
        name = piece.split(" ", 1)[0]
        if name and not piece.startswith("Chapter"):  # under a chapter's name stands only what it contains
            pieces.append((f"debian-reference/{name}", f"debian-reference/{name.split('.')[0]}", len(piece),
                           lambda p=piece: reference(p)))
    return list(grouped(pieces, LEAST))
