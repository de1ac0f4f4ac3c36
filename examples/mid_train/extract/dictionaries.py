"""Dictionaries of the dictd format (FOLDOC, GCIDE) and WordNet: articles, glosses, and questions made from glosses."""
import gzip
import re

from documents import anonymous, grouped, rank, reflow

DIGITS = {c: i for i, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}
LEAST = 1000     # bytes of a document; smaller neighbours go together
STRETCH = 20000  # bytes of a WordNet data file that are held out, or trained on, together


def number(text):
    """A number in the base 64 of dictd's index."""
    value = 0
    for letter in text:
        value = value * 64 + DIGITS[letter]
    return value


def articles(dictionary, index):
    """(headword, raw article) in the order of the file, from the bytes of NAME.dict.dz and the text of NAME.index."""
    data = gzip.decompress(dictionary)
    places = {}
    for line in index.splitlines():
        word, start, size = line.split("\t")[:3]
        place = (number(start), number(size))
        if word.startswith("00-") or place not in places:
            places[place] = word
    return [(word, data[start:start + size].decode("utf-8", "replace"))
            for (start, size), word in sorted(places.items()) if not word.startswith("00-")]


def paragraphs(text, width, listing=99):
    """Every paragraph in one line, as far as its lines were broken at the width, indentation included.

    What is indented by `listing` or more, or has a line that ends like one of C, keeps its lines and their indentation.
    """
    out = []
    for block in re.split(r"\n(?:[ \t]*\n)+", text.strip("\n")):
        indent = len(block) - len(block.lstrip(" "))
        if indent >= listing or listing < 99 and re.search(r"[;{}]$", block, re.M):
            out.append(re.sub(r"^ {1,3}", "", block, flags=re.M))
        else:
            lines = [re.sub(r"(?<=\S)   +", " ", line.strip()) for line in block.split("\n")]
            out.append(reflow("\n".join(lines), width - indent))
    return "\n\n".join(filter(None, out))


LINK = r"\{([^{}()]*?)\s*\((?:https?:|ftp:|mailto:|news:|gopher:|/)[^{}]*\)\s*\}"
CONTACT = r"E-?mail|Mailing list|Telephone|Tel|Fax|FTP|Home(?: page)?|Usenet newsgroups?|Address|Info|See"


def foldoc_article(raw):
    """Headwords in one line, then the paragraphs, without links, addresses, editors' queries and dates of the last change."""
    heads, _, body = raw.strip("\n").partition("\n\n")
    body = re.sub(rf"^[ .]*{LINK}[.,;]? *$", "", body, flags=re.M)
    body = re.sub(LINK, r"\1", body)
    body = re.sub(r"^ *\(\d{4}(?:-\d\d){0,2}\) *$", "", body, flags=re.M)
    body = re.sub(r"\[[^\[\]]*\?\]", "", body)
    for _ in range(2):  # one link may hold another
        body = re.sub(r"\{([^{};]{1,80})\}", r"\1", body)
    body = re.sub(r"<([a-z][a-z ,/.]*)>", r"(\1)", body)
    body = re.sub(rf"^[ .]*(?:{CONTACT})?:[^\n]*(?:@[^\n]*|(?<=:)[ .]*)$", "", body, flags=re.M)
    body = re.sub(r"\s*<[^<>\s]+@[^<>\s]+>", "", body)
    body = re.sub(rf"^[ .]*(?:{CONTACT})?[ :.,;]*$", "", body, flags=re.M)
    body = anonymous(paragraphs(body, 56, listing=5)).strip()
    return ", ".join(h.strip() for h in heads.split("\n") if h.strip()) + "\n\n" + body + "\n" if body else ""


SOURCES = "1913 Webster|WordNet|PJC|AS|RP|Century|RDH|JC|MW|Webster|a{1,2}|LBR"


def gcide_article(raw):
    """Webster's article without marks of stress, source tags, and etymologies whose Greek was lost."""
    text = re.sub(rf"\s*\[(?:{SOURCES})\b[^\[\]]*\]", "", raw)
    text = re.sub(r" *\\[^\\\n]{1,60}(?:\n[^\\\n]{1,60})?\\(\w?)", lambda m: " " + m[1] if m[1] else "", text)
    text = re.sub(r"\s*\((?=[^()]*(?:[*\"^]|\[[^\[\]]{1,3}\]))[^()]{1,60}\)(?=[,;.:]? (?:[a-z]\.|pl\.|imp\.))", "", text, count=2)
    text = re.sub(r"\[(ae|oe|AE|OE)\]", r"\1", text)
    text = re.sub(r"\[(?:[=^`'\".]([A-Za-z])|([a-z])[=^`'\"])\]", r"\1\2", text)
    text = re.sub(r"\s*\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]", lambda m: "" if lost(m.group()) else m.group(), text)
    text = re.sub(r"\{([^{}]*)\}", lambda m: re.sub(r"(?<=\w)[*\"`]|[*\"](?=\w)", "", m.group(1)), text)
    text = re.sub(r"(?<=[a-z])`(?=[a-z])", "", text)
    text = re.sub(r"\[[^\[\]]*\]", lambda m: " ".join(m.group().split()), text)
    text = re.sub(r"(?<=[.\]])\s+[A-Z][\w-]+\s*$", "", text)  # a stray headword of what comes next
    text = paragraphs(re.sub(r"(?<=\S) {2,}(?=--[A-Z])", " ", text), 54)
    return re.sub(r"(?<=\S)\n(?=--[A-Z])", " ", text) + "\n"


def lost(bracket):
    """An etymology: it names tongues, or holds a question mark where Greek letters stood."""
    return "?" in bracket or re.search(r"\b(?:L|F|OF|Gr|OE|AS|G|D|Icel|Sw|Dan|Skr|Goth|Sp|It|Pg|LL|NL|cf|Cf|fr|akin)\.", bracket)


def dictionary(name, dictionary_bytes, index, article):
    """Articles as documents; small ones together with what follows them in the alphabet."""
    pieces = []
    for word, raw in articles(dictionary_bytes, index):
        pieces.append((f"{name}/{word}", f"{name}/{len(pieces) // 20}", len(raw), lambda r=raw: article(r)))
    return list(grouped(pieces, LEAST))


PARTS = {"n": "noun", "v": "verb", "a": "adjective", "s": "adjective", "r": "adverb"}


def synsets(files):
    """WordNet's entries by (part of speech, offset), from {"noun": text of data.noun, ...}. Format: wndb(5)."""
    found = {}
    for text in files.values():
        for line in text.split("\n"):
            if not line or line.startswith("  "):
                continue
            fields, _, gloss = line.partition(" | ")
            fields = fields.split()
            kind, count = fields[2], int(fields[3], 16)
            words = [re.sub(r"\(\w+\)$", "", w).replace("_", " ") for w in fields[4:4 + 2 * count:2]]
            at = 4 + 2 * count
            pointers = [fields[i:i + 4] for i in range(at + 1, at + 1 + 4 * int(fields[at]), 4)]
            meaning, examples = parts_of(gloss)
            found["a" if kind == "s" else kind, fields[0]] = {
                "kind": PARTS[kind], "words": words, "pointers": pointers, "meaning": meaning, "examples": examples}
    return found


def parts_of(gloss):
    """The definition and the quoted examples of a gloss."""
    meaning = re.split(r"[;:,]?\s*\"", gloss, maxsplit=1)[0].strip(" ;")
    meaning = re.sub(r"\s*\) ?(?=[\w(])", ") ", meaning)
    return meaning, [e.strip(" ;") for e in re.findall(r'"([^"]+)"', gloss)]


def related(entry, sign, found):
    """The first words of the entries that a pointer of this sign leads to."""
    targets = [found.get((p[2].replace("s", "a"), p[1])) for p in entry["pointers"] if p[0] == sign]
    return [t["words"][0] for t in targets if t]


def sentence(text):
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def gloss(entry, found):
    kinds = related(entry, "@", found)
    kind = entry["kind"] + (f"; a kind of {kinds[0]}" if kinds and entry["kind"] == "noun" else "")
    examples = " ".join(f'"{sentence(e)}"' for e in entry["examples"])
    return f"{', '.join(entry['words'])} ({kind}): {sentence(entry['meaning'])}{' ' + examples if examples else ''}\n"


def question(entry, found, draw):
    """A question and its answer by template: what does it mean, what word means, what kind is it, what is the opposite."""
    word, kind, meaning = entry["words"][0], entry["kind"], entry["meaning"]
    kinds, opposites = related(entry, "@", found), related(entry, "!", found)
    if opposites:
        return f'Question: What is the opposite of the {kind} "{word}", in the sense of: {meaning}?\nAnswer: {opposites[0]}\n'
    if kinds and kind == "noun" and draw < 0.3:
        return f'Question: What kind of thing is meant by "{word}" ({meaning})?\nAnswer: {kinds[0]}\n'
    if draw < 0.5:
        others = f" Also: {', '.join(entry['words'][1:])}." if entry["words"][1:] else ""
        return f"Question: Which {kind} means: {meaning}?\nAnswer: {sentence(word)}{others}\n"
    example = f' For example: "{sentence(entry["examples"][0])}"' if entry["examples"] else ""
    return f'Question: What does the {kind} "{word}" mean?\nAnswer: {sentence(meaning)}{example}\n'


def wordnet(found, kind):
    """Neighbours in a data file, which are about one thing, together. found: from synsets; kind: "glosses" or "questions".

    Glosses and questions of one stretch are one family, so that no held-out question is answered by a gloss trained on.
    """
    pieces = []
    for (part, offset), entry in found.items():
        name = f"wordnet-{kind}/{part}/{offset}"
        render = (lambda e=entry: gloss(e, found)) if kind == "glosses" else \
            (lambda e=entry, n=name: question(e, found, rank(n)))
        if entry["meaning"]:
            pieces.append((name, f"wordnet/{part}/{int(offset) // STRETCH}", len(entry["meaning"]) + 60, render))
    return list(grouped(pieces, LEAST))
