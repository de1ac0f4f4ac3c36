"""Proofs of a Metamath database, replayed and written out in numbered steps.

Format: Megill and Wheeler, "Metamath", 2nd edition 2019, section 4 and appendix B (compressed proofs).
"""
import re

from documents import Document

STATEMENT = re.compile(r"\$\((.*?)\$\)|\$([cvd])\s(.*?)\$\.|\$([{}])|(\S+)\s+\$([feap])\s(.*?)\$\.", re.S)
COMMENT = re.compile(r"\$\(.*?\$\)", re.S)
CREDIT = re.compile(r"\((?:Contributed|Revised|Proof shortened|Proof modification|New usage|Proposed|Moved|Unnecessary)\b[^()]*"
                    r"(?:\([^()]*\)[^()]*)*\)")


class Database:
    def __init__(self, text):
        self.labels = {}      # label: ("f" or "e", symbols) or ("a", hypotheses, symbols)
        self.theorems = []    # (label, comment, essential hypotheses, hypotheses, statement, text of the proof)
        variables, scopes, comment = set(), [([], [])], ""
        for said, kind, names, brace, label, sort, body in STATEMENT.findall(text):
            if said:
                comment = said
            elif kind == "v":
                variables.update(names.split())
            elif brace == "{":
                scopes.append(([], []))
            elif brace == "}":
                scopes.pop()
            elif sort:
                self.add(label, sort, COMMENT.sub(" ", body), variables, scopes, comment)

    def add(self, label, sort, body, variables, scopes, comment):
        if sort in "fe":
            symbols = body.split()
            self.labels[label] = (sort, symbols)
            scopes[-1]["fe".index(sort)].append((label, symbols))
            return
        statement, _, proof = body.partition("$=")
        symbols = statement.split()
        essential = [hypothesis for scope in scopes for hypothesis in scope[1]]
        used = {x for x in symbols if x in variables}
        for _, hypothesis in essential:
            used.update(x for x in hypothesis if x in variables)
        hypotheses = [("f", *f) for scope in scopes for f in scope[0] if f[1][1] in used] + [("e", *e) for e in essential]
        self.labels[label] = ("a", hypotheses, symbols)
        if sort == "p" and symbols[0] == "|-" and proof.split(None, 1)[:1] == ["("]:
            self.theorems.append((label, comment, essential, hypotheses, symbols, proof))


def apply(labels, name, stack, steps):
    """Puts what the statement `name` gives, from the top of the stack, in its place; notes it if it is a provable one."""
    entry = labels[name]
    if entry[0] == "f":
        stack.append((entry[1], None))
        return
    if entry[0] == "e":
        steps.append((entry[1], "hypothesis " + name, []))
        stack.append((entry[1], len(steps)))
        return
    hypotheses, symbols = entry[1], entry[2]
    start = len(stack) - len(hypotheses)
    given = stack[start:]
    del stack[start:]
    substitution = {h[2][1]: a[0][1:] for h, a in zip(hypotheses, given, strict=True) if h[0] == "f"}
    result = [y for x in symbols for y in substitution.get(x, (x,))]
    for h, a in zip(hypotheses, given):
        if h[0] == "e" and [y for x in h[2] for y in substitution.get(x, (x,))] != a[0]:
            raise ValueError(f"{name}: hypothesis {h[1]} is not what the proof gives")
    if result[0] != "|-":
        stack.append((result, None))
        return
    steps.append((result, name, [a[1] for h, a in zip(hypotheses, given) if h[0] == "e"]))
    stack.append((result, len(steps)))


def replay(labels, hypotheses, proof, goal):
    """The steps (symbols, reason, steps used) of a compressed proof; ValueError if it does not end in the goal."""
    words = proof.split()
    end = words.index(")")
    names = [h[1] for h in hypotheses] + words[1:end]
    stack, saved, steps, high = [], [], [], 0
    for letter in "".join(words[end + 1:]):
        if letter == "Z":
            saved.append(stack[-1])
        elif letter >= "U":
            high = high * 5 + ord(letter) - ord("T")
        else:
            index, high = high * 20 + ord(letter) - ord("A"), 0
            if index < len(names):
                apply(labels, names[index], stack, steps)
            else:
                stack.append(saved[index - len(names)])
    if len(stack) != 1 or stack[0][0] != goal:
        raise ValueError("the proof does not end in its theorem")
    return steps


def plain(comment):
    """A comment without credits and markup: `formula`, ~ label, _emphasis_."""
    text = CREDIT.sub("", " ".join(comment.split()))
    text = re.sub(r"`\s*(.*?)\s*`", r"\1", text)
    text = re.sub(r"(^|\s)~ (\S)", r"\1\2", text)
    text = re.sub(r"\b_([^_]+)_\b", r"\1", text)
    return " ".join(re.sub(r"</?(?:HTML|PRE|I|B|SUB|SUP|BR)>", " ", text, flags=re.I).split())


def render(labels, theorem):
    label, comment, essential, hypotheses, statement, proof = theorem
    steps = replay(labels, hypotheses, proof, statement)
    lines = [f"Theorem {label}. {plain(comment)}".rstrip()]
    if essential:
        lines.append("Given:")
        lines += [f"  {' '.join(symbols[1:])}   ({name})" for name, symbols in essential]
    lines += [f"Prove: {' '.join(statement[1:])}", "Proof:"]
    for number, (symbols, reason, used) in enumerate(steps, 1):
        reason += " with steps " + ", ".join(map(str, used)) if len(used) > 1 else f" with step {used[0]}" if used else ""
        lines.append(f"{number}. {' '.join(symbols[1:])}   [{reason}]")
    return "\n".join(lines) + "\nQ.E.D.\n"


def theorems(text):
    """A document for each theorem that is not marked as obsolete and takes more than one step."""
    database = Database(text)
    return [Document(f"set.mm/{theorem[0]}", f"set.mm/{theorem[0]}", lambda t=theorem: render(database.labels, t))
            for theorem in database.theorems
            if not theorem[0].endswith("OLD") and "obsolete" not in theorem[1][:60].lower()]
