"""The quizzes of bsdgames: lines of fields with alternatives, read into questions and answers in whole sentences."""
import re

from documents import Document, rank

TOGETHER = 12  # questions of one quiz in a document

# Quiz: (field asked about, field answered, question, answer). Those about Star Trek, Tolkien, sonnets, area codes, the
# commercial code, the commands of ed and murders are left out.
CAPITALS = [(0, 1, "What is the capital of {0}?", "The capital of {0} is {1}."),
            (1, 0, "{0} is the capital of which country or territory?", "{0} is the capital of {1}.")]
QUESTIONS = {
    "africa": CAPITALS,
    "america": CAPITALS,
    "asia": CAPITALS,
    "europe": CAPITALS,
    "province": [(0, 1, "What is the capital of the Canadian province of {0}?", "The capital of {0} is {1}.")],
    "state": [(0, 1, "What is the capital of the state of {0}?", "The capital of {0} is {1}."),
              (1, 0, "Of which state is {0} the capital?", "{0} is the capital of {1}."),
              (0, 2, "How is the name of the state of {0} abbreviated?", "{0} is abbreviated {1}.")],
    "elements": [(0, 3, "Which chemical element has the symbol {0}?", "{0} stands for {1}."),
                 (3, 1, "What is the atomic number of {0}?", "The atomic number of {0} is {1}."),
                 (1, 3, "Which chemical element has the atomic number {0}?", "The element with atomic number {0} is {1}.")],
    "arith": [(0, 1, "{0} What number belongs in the place of the dots?", "{1}")],
    "mult": [(0, 1, "What is {0}?", "{0} = {1}")],
    "seq-easy": [(0, 1, "Which number comes next: {0}?", "{1}")],
    "seq-hard": [(0, 1, "Which number comes next: {0}?", "{1}")],
    "babies": [(0, 1, "A {0} grows up. What is it then called?", "A grown {0} is called a {1}.")],
    "sexes": [(0, 1, "What is the female counterpart of {0}?", "{1}")],
    "posneg": [(0, 1, "What is the opposite of \"{0}\"?", "The opposite of \"{0}\" is \"{1}\".")],
    "collectives": [(0, 1, "What is a group of {0} called?", "A {1} of {0}.")],
    "latin": [(0, 1, "What does the Latin word \"{0}\" mean in English?", "\"{0}\" means \"{1}\".")],
    "morse": [(0, 1, "What is the letter {0} in Morse code?", "{0} is {1}")],
    "pres": [(0, 3, "Who followed {0} as president of the United States?", "{1} followed {0}."),
             (0, 1, "When was {0} president of the United States?", "{0} was president in {1}.")],
    "locomotive": [(0, 1, "What is a steam locomotive with the wheel arrangement {0} called?", "{1}")],
}


def closing(text, start, pair):
    """Where the bracket that opens at `start` closes."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == pair[0]) - (text[at] == pair[1])
        if depth == 0:
            return at
    raise ValueError(f"no {pair[1]} for the {pair[0]} at {start} in {text!r}")


def alternatives(pattern):
    """Splits at the | that stand outside brackets."""
    parts, depth = [""], 0
    for letter in pattern:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def full(pattern):
    """One spelled-out answer of a pattern: [a|b] is the first that is a word, {x} is present, of a|b at the top the first."""
    text, at = "", 0
    pattern = alternatives(pattern)[0]
    while at < len(pattern):
        if pattern[at] in "[{":
            end = closing(pattern, at, "[]" if pattern[at] == "[" else "{}")
            choices = [full(choice) for choice in alternatives(pattern[at + 1:end])]
            text += next((c for c in choices if re.fullmatch(r"[\w ]+", c)), choices[0])
            at = end + 1
        else:
            text += pattern[at]
            at += 1
    return text


def asked(name, text):
    """(question, answer) pairs of one quiz: one a line, so that no question is answered by another one turned round."""
    pairs = []
    for line in text.replace("\\\n", "").splitlines():
        fields = line.split(":")
        ways = [way for way in QUESTIONS[name] if max(way[:2]) < len(fields) and fields[way[0]] and fields[way[1]]]
        if ways:
            ask, reply, question, said = ways[int(rank(line) * len(ways))]
            words = full(fields[ask]), re.sub(r"(?<=\S)\((.*)\)$", r" (\1)", full(fields[reply]))
            pairs.append((question.format(*words), said.format(*words)))
    return pairs


def quizzes(files):
    """A dozen questions of one quiz a document, in mixed order. files: {name: text}"""
    documents = []
    for name in sorted(QUESTIONS.keys() & files.keys()):
        pairs = sorted(asked(name, files[name]), key=lambda pair: rank(pair[0]))
        for start in range(0, len(pairs), TOGETHER):
            text = "\n".join(f"Question: {q}\nAnswer: {a}\n" for q, a in pairs[start:start + TOGETHER])
            documents.append(Document(f"quiz/{name}/{start}", f"quiz/{name}/{start}", lambda t=text: t))
    return documents
