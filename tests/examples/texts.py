#!/usr/bin/env python3
"""Every extractor of examples/mid_train on a small input, and the split: by document, disjoint, always the same."""
import gzip
import importlib
import json
import pathlib
import struct
import sys
import tempfile
import unittest
import zlib

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "mid_train"
sys.path.insert(0, str(HERE))

import documents
import packages
import texts
from extract import dictionaries, manuals, metamath, novels, programs, quiz

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def base64(value):
    return (base64(value // 64) if value >= 64 else "") + LETTERS[value % 64]


def dictd_file(articles):
    """Bytes of the dictionary and text of its index, from (headword, article) pairs."""
    data, index = "", ""
    for word, article in articles:
        index += f"{word}\t{base64(len(data))}\t{base64(len(article))}\n"
        data += article
    return gzip.compress(data.encode()), "".join(sorted(index.splitlines(True)))


def rdb_file(novels_by_lines):
    """An R lazy-load database of character vectors."""
    out = b""
    for lines in novels_by_lines:
        raw = b"X\n" + b"".join(struct.pack(">Ii", 9 | 1 << 18, len(line)) + line for line in lines)
        out += struct.pack(">I", len(raw)) + zlib.compress(raw)
    return out


def words(seed, count):
    """Words that no other seed gives."""
    return " ".join(f"w{seed}x{i}" for i in range(count))


def made(count, family=lambda i: f"f{i}", size=40):
    return [documents.Document(f"d{i}", family(i), lambda i=i: words(i, size)) for i in range(count)]


class Cleaning(unittest.TestCase):
    def test_controls_and_blanks_go_and_accents_are_composed(self):
        self.assertEqual(documents.clean("\n\na\x07b \r\ncafe\u0301\u200b\n\n\n\n\n\nz\x0c\n"), "ab\ncaf\u00e9\n\n\nz\n")

    def test_reflow_joins_what_the_width_broke_and_nothing_else(self):
        text = ("aaaa bbbb cccc\ndddd eeee\nff\n\nshort\nlines\n\n    code one two\n    code\nxxxx yyyy zzzz\n1. item\n"
                "# command with\n# comment")
        self.assertEqual(documents.reflow(text, 15), "aaaa bbbb cccc dddd eeee\nff\n\nshort\nlines\n\n    code one two\n    code\n"
                                                     "xxxx yyyy zzzz\n1. item\n# command with\n# comment")

    def test_addresses_are_replaced_and_arrays_of_perl_are_not(self):
        self.assertEqual(documents.anonymous("to jo.doe@mail.example.com, @array, a@b"), "to someone@example.org, @array, a@b")

    def test_small_neighbours_go_together_within_a_family(self):
        pieces = [(f"p{i}", "a" if i < 5 else "b", size, lambda i=i: f"text {i}") for i, size in enumerate([4, 4, 4, 20, 4, 4])]
        got = documents.grouped(pieces, 10)
        self.assertEqual([(d.id, d.family, d.render()) for d in got], [
            ("p0", "a", "text 0\n\ntext 1\n\ntext 2"), ("p3", "a", "text 3"), ("p4", "a", "text 4"), ("p5", "b", "text 5")])


class Splitting(unittest.TestCase):
    def test_by_family_disjoint_and_at_least_forty(self):
        all_of_it = made(400, lambda i: f"f{i // 4}")
        train, held_out = documents.split([(all_of_it, 1e9)], 1e9)
        family = {d.id: d.family for d in all_of_it}
        self.assertFalse({family[t.id] for t in train} & {family[t.id] for t in held_out})
        self.assertEqual({t.id for t in train} | {t.id for t in held_out}, set(family))
        self.assertGreaterEqual(len(held_out), 40)
        self.assertLess(len(held_out), 60)

    def test_about_a_twentieth_of_a_big_source(self):
        families = documents.held_out_families(made(4000))
        self.assertTrue(150 < len(families) < 250, len(families))  # 200 expected, standard deviation 14

    def test_few_documents_give_half_at_most(self):
        train, held_out = documents.split([(made(20), 1e9)], 1e9)
        self.assertEqual((len(train), len(held_out)), (10, 10))

    def test_the_same_every_time_and_in_any_order(self):
        first = documents.split([(made(300), 9000)], 9000)
        self.assertEqual(first, documents.split([(made(300)[::-1], 9000)], 9000))

    def test_what_is_held_out_under_one_limit_is_never_trained_on_under_another(self):
        _, held_out = documents.split([(made(1000), 1e9)], 1e9)
        for limit in (3000, 30000, 1e6):
            train, less = documents.split([(made(1000), limit)], limit)
            self.assertFalse({t.id for t in train} & {t.id for t in held_out})
            self.assertLessEqual({t.id for t in less}, {t.id for t in held_out})
            self.assertLessEqual(sum(len(t.text) for t in train), limit)

    def test_the_sample_goes_across_the_source(self):
        train, _ = documents.split([(made(1000), 60000)], 60000)
        self.assertGreater(max(int(t.id[1:]) for t in train), 900)
        self.assertLess(min(int(t.id[1:]) for t in train), 100)

    def test_parts_share_alike_and_a_small_one_leaves_its_share(self):
        small = [documents.Document(f"s{i}", f"s{i}", lambda i=i: words(f"s{i}", 40)) for i in range(5)]
        big = [documents.Document(f"b{i}", f"b{i}", lambda i=i: words(f"b{i}", 40)) for i in range(500)]
        capped = [documents.Document(f"c{i}", f"c{i}", lambda i=i: words(f"c{i}", 40)) for i in range(500)]
        got = documents.sample([(small, 1e9), (big, 1e9), (capped, 2000)], 30000)
        size = {k: sum(len(t.text) for t in got if t.id[0] == k) for k in "sbc"}
        self.assertEqual(sum(t.id[0] == "s" for t in got), 5)
        self.assertTrue(2000 <= size["c"] < 2500, size)
        self.assertGreater(size["b"], 25000)


class Decontaminating(unittest.TestCase):
    def test_copies_and_repetitions_of_held_out_texts_go(self):
        one, two, three = words("a", 60), words("b", 60), words("c", 60)
        train = {"x": [documents.Text("copy", one.upper() + "!"), documents.Text("near", "but " + two + " as well"),
                       documents.Text("fine", three)], "y": [documents.Text("other", words("d", 60))]}
        held_out = {"x": [documents.Text("h1", one)], "y": [documents.Text("h2", two)]}
        dropped = documents.decontaminate(train, held_out)
        self.assertEqual([t.id for t in train["x"]], ["fine"])
        self.assertEqual([t.id for t in held_out["x"] + held_out["y"]], ["h1", "h2"])
        self.assertEqual(dropped["x"], {"copies": 1, "train": 1, "held_out": 0})

    def test_a_held_out_text_inside_a_long_trained_one_goes(self):
        held = words("a", 30)
        train, held_out = {"x": [documents.Text("long", held + " " + words("b", 500))]}, {"x": [documents.Text("h", held)]}
        self.assertEqual(documents.decontaminate(train, held_out)["x"], {"copies": 0, "train": 0, "held_out": 1})
        self.assertEqual([t.id for t in train["x"]], ["long"])


class Dictionaries(unittest.TestCase):
    def test_articles_in_the_order_of_the_file_and_without_its_preface(self):
        data, index = dictd_file([("00-database-info", "about\n"), ("zebra", "Zebra\n\n   An animal.\n"), ("ant", "Ant\n\n   Too.\n")])
        self.assertEqual(dictionaries.articles(data, index), [("zebra", "Zebra\n\n   An animal.\n"), ("ant", "Ant\n\n   Too.\n")])

    def test_foldoc(self):
        raw = ("Advanced Test\nAT\n\n   <testing> (AT) A {test} of a text that has been broken over\n   two lines, by Jo <jo@site.org>.\n\n"
               "   {Home (http://site.org/)}.\n\n   [What else?]\n\n   E-mail: <jo@site.org>.\n\n     while (x) {\n       y;\n     }\n\n"
               "   (1999-07-17)\n\n")
        self.assertEqual(dictionaries.foldoc_article(raw), "Advanced Test, AT\n\n(testing) (AT) A test of a text that has been broken "
                                                           "over two lines, by Jo.\n\n  while (x) {\n    y;\n  }\n")

    def test_gcide(self):
        raw = ('Dichogamy \\Di*chog"a*my\\, n. [Gr. ? in two, asunder + ?\n   marriage.] (Bot.)\n'
               '   The condition of certain species of plants, always,\n'
               '   see {Di*chog"a*mous}. [Obs.]\n   [1913 Webster]\n\n         A verse of it.          --Bacon.\n   [1913 Webster]\n')
        self.assertEqual(dictionaries.gcide_article(raw), "Dichogamy, n. (Bot.)\nThe condition of certain species of plants, always, "
                                                          "see Dichogamous. [Obs.]"
                                                          "\n\nA verse of it. --Bacon.\n")

    NOUNS = ("  1 This is the licence.\n"
             "00000100 03 n 01 thing 0 000 | what there is  \n"
             "00000200 03 n 02 tree_oak 0 oak 0 001 @ 00000100 n 0000 | a big tree; \"he climbed the oak\"; \"an oak fell\"  \n")
    ADJECTIVES = ("00000300 00 a 01 hot(p) 0 001 ! 00000400 a 0101 | of high heat  \n"
                  "00000400 00 a 01 cold 0 001 ! 00000300 a 0101 | of low heat  \n")

    def test_wordnet(self):
        found = dictionaries.synsets({"noun": self.NOUNS, "adj": self.ADJECTIVES})
        oak = found["n", "00000200"]
        self.assertEqual(dictionaries.gloss(oak, found),
                         'tree oak, oak (noun; a kind of thing): A big tree. "He climbed the oak." "An oak fell."\n')
        self.assertEqual(dictionaries.question(oak, found, 0.1),
                         'Question: What kind of thing is meant by "tree oak" (a big tree)?\nAnswer: thing\n')
        self.assertEqual(dictionaries.question(oak, found, 0.4), "Question: Which noun means: a big tree?\nAnswer: Tree oak. Also: oak.\n")
        self.assertEqual(dictionaries.question(oak, found, 0.9), 'Question: What does the noun "tree oak" mean?\nAnswer: A big tree. '
                                                                 'For example: "He climbed the oak."\n')
        self.assertEqual(dictionaries.question(found["a", "00000300"], found, 0.9),
                         'Question: What is the opposite of the adjective "hot", in the sense of: of high heat?\nAnswer: cold\n')
        glosses, questions = dictionaries.wordnet(found, "glosses"), dictionaries.wordnet(found, "questions")
        self.assertEqual([d.family for d in glosses], [d.family for d in questions])
        self.assertFalse({d.id for d in glosses} & {d.id for d in questions})


class Questions(unittest.TestCase):
    def test_patterns_are_spelled_out(self):
        for pattern, text in [("Brussel{s}|Bruxelles", "Brussels"), ("Hen[ry|] [I|1]", "Henry I"), ("{Lee {H. }}Oswald", "Lee H. Oswald"),
                              ("Reykjav['i|i'|i]k", "Reykjavik"), ("Cal{if{ornia}}|CA", "California")]:
            self.assertEqual(quiz.full(pattern), text)
        with self.assertRaisesRegex(ValueError, "no ] for the"):
            quiz.full("a[b")

    def test_lines_become_questions(self):
        both = {("What is the capital of Belgium?", "The capital of Belgium is Brussels."),
                ("Brussels is the capital of which country or territory?", "Brussels is the capital of Belgium.")}
        got = quiz.asked("europe", "Belgium:Brussel{s}\n" + "".join(f"A{i}:B{i}\n" for i in range(20)))
        self.assertIn(got[0], both)
        self.assertEqual(len(got), 21)
        self.assertTrue(3 < sum(question.startswith("What") for question, _ in got) < 18)  # both ways come up
        self.assertEqual(quiz.asked("seq-easy", "1,2,4:\\\n8{(powers of 2)}:x\n"), [
            ("Which number comes next: 1,2,4?", "8 (powers of 2)")])
        got = quiz.quizzes({"mult": "\n".join(f"{i} x 2:{2 * i}" for i in range(30)), "trek": "ship:x\n"})
        self.assertEqual([d.id for d in got], ["quiz/mult/0", "quiz/mult/12", "quiz/mult/24"])
        self.assertEqual(sum(d.render().count("Question: ") for d in got), 30)

    POD = ("=head1 NAME\n\nperlfaq1 - x\n\n=head2 How do I C<open> a file?\nX<open>\n\n(contributed by Jo)\n\nUse C<< $a->open >> as\n"
           "in L<perlfunc/open>, or B<I<not>> E<lt>.\n\n    open my $f;\n\n\n=over 4\n\n=item *\n\nOne\n\n=back\n\n"
           "=for html\n<b>\n\n=head2 Not asked\n\nx\n")

    def test_perl_questions(self):
        got = manuals.perl_questions({"perlfaq1": self.POD})
        self.assertEqual([d.id for d in got], ["perlfaq1/How do I open a file?"])
        self.assertEqual(got[0].render(), 'Question: How do I open a file?\n\nAnswer: Use $a->open as in "open" in perlfunc, or not <.\n\n'
                                          "    open my $f;\n\n- One\n")


class Manuals(unittest.TestCase):
    def test_pods(self):
        pod = "=head1 NAME\n\nperlx\n\n=head1 FIRST\n\n" + "Text C<a b>. " * 100 + "\n\n=head1 SECOND\n\nMore.\n"
        got = manuals.perl_manuals({"perlx": pod})
        self.assertEqual([(d.id, d.family) for d in got], [("perl/perlx/2", "perl/perlx"), ("perl/perlx/3", "perl/perlx")])
        self.assertTrue(got[0].render().startswith('FIRST\n\nText "a b". Text'))

    def test_annotations(self):
        text = ("Chapter 1: One\n1.1: A\nChapter 1: One\n\nIntro " + "x" * 1000 + "\n1.1: A section\n\n"
                "    The first line of a paragraph which is long enough for it\n"
                "and goes on. Example:\n            int main()\n    {\n    }\n\nChapter 2: Two\n2.1: B section\nText.\n")
        got = manuals.annotations(text)
        self.assertEqual([(d.id, d.family) for d in got], [
            ("c++-annotations/Chapter 1", "c++-annotations/Chapter 1"), ("c++-annotations/1.1", "c++-annotations/Chapter 1"),
            ("c++-annotations/Chapter 2", "c++-annotations/Chapter 2")])
        self.assertIn("The first line of a paragraph which is long enough for it and goes on. Example:"
                      "\n    int main()\n    {\n    }", got[1].render())

    def test_debian_reference(self):
        text = ("1.1. List of tables\nChapter 1. One\n\nTable of Contents\n\n1.1. First\n\n"
                "    A paragraph of words that goes on up to the full width,\n"
                "    and beyond. See /etc/\n    fstab.\n\n      * An item that goes\n        on.\n\n"
                "    Table 1.1. Keys\n\n    +---+\n    |a|b|\n    +---+\n\n"
                "1.1.1. Second\n\n    Text.\n\nChapter 2. Two\n\n2.1. Third\n\n    End.\nAppendix A. Rest\n\nA.1. x\n")
        got = manuals.debian_reference(text)
        self.assertEqual([d.family for d in got], ["debian-reference/1", "debian-reference/2"])
        self.assertEqual(got[0].render(), "1.1. First\n\nA paragraph of words that goes on up to the full width, and beyond. "
                                          "See /etc/\nfstab.\n\n  * An item that goes on.\n\n1.1.1. Second\n\nText.")


class Programs(unittest.TestCase):
    def test_notices_go_and_the_rest_stays(self):
        raw = ("// Vectors -*- C++ -*-\n\n// Copyright (C) 2001 Free Software Foundation, Inc.\n//\n// This file is part of x.\n\n"
               "// Under Section 7\n\n// <http://www.gnu.org/licenses/>.\n\n"
               "/*\n * Copyright (c) 1994\n * x\n */\n\n/** @file vector\n */\n// Written by Jo <jo@x.org>\nint x;\n")
        self.assertEqual(programs.header(raw), "// Vectors\n\n/** @file vector\n */\n// Written by Jo\nint x;\n")
        self.assertEqual([d.id for d in programs.headers({"b": "int y;\n" * 200, "a": "x", "c": "z" * 99999})], ["libstdc++/b"])

    def test_sections_of_a_proof_script(self):
        rule = "(* " + "-" * 73 + " *)\n"
        raw = "(* (c) Copyright, Jo 1998 *)\nneeds \"x\";;\n" + "".join(
            f"{rule}(* Part {i}. *)\n{rule}let T{i} = prove(`x`);;\n" + "z" * 1500 + "\n" for i in range(3))
        got = programs.proofs({"100/x": raw})
        self.assertEqual([d.family for d in got], ["hol-light/100/x"] * 4)
        self.assertEqual(got[0].render(), 'needs "x";;')
        self.assertTrue(got[1].render().startswith(f"{rule}(* Part 0. *)"))


class Novels(unittest.TestCase):
    def test_whole_novels_and_chapters_of_the_one_held_out(self):
        data = rdb_file([[b"EMMA", b"", b"CHAPTER I", b"", b"Emma was _very_ happy, as the whole of the village was able to", b"see."],
                         [b"Persuasion", b"", b"Chapter 1", b"", b"Sir Walter.", b"", b"Chapter 2", b"", b"Mr Shepherd."]])
        got = novels.novels(data)
        self.assertEqual([(d.id, d.family) for d in got], [("austen/emma", "austen/emma"), ("austen/persuasion/1", "austen/persuasion"),
                                                           ("austen/persuasion/2", "austen/persuasion")])
        self.assertIn("Emma was very happy, as the whole of the village was able to see.", got[0].render())
        self.assertEqual(got[2].render(), "Chapter 2\n\nMr Shepherd.")

    def test_a_wrong_length_is_refused(self):
        data = rdb_file([[b"EMMA"]])
        with self.assertRaisesRegex(ValueError, "which is not the length it states"):
            novels.r_strings(struct.pack(">I", 7) + data[4:])


class Metamath(unittest.TestCase):
    DATABASE = """
        $c ( ) -> wff |- $.  $v ph ps $.
        wph $f wff ph $.  wps $f wff ps $.
        wi $a wff ( ph -> ps ) $.
        $( Axiom. $) ax-1 $a |- ( ph -> ( ps -> ph ) ) $.
        ${ min $e |- ph $.  maj $e |- ( ph -> ps ) $.  ax-mp $a |- ps $. $}
        ${ a1i.1 $e |- ph $.
           $( Introduce an antecedent to ` ph ` , see ~ ax-1 . (Contributed by Jo, 1-Jan-2000.) $)
           a1i $p |- ( ps -> ph ) $= ( wi ax-1 ax-mp ) ABADCABEF $. $}
        wrong $p |- ( ph -> ph ) $= ( ax-1 ) AAB $.
        $( Obsolete proof. $) oldOLD $p |- ( ph -> ( ps -> ph ) ) $= ( ax-1 ) ABC $.
    """

    def test_a_proof_is_replayed_and_written_out(self):
        got = {d.id: d for d in metamath.theorems(self.DATABASE)}
        self.assertEqual(set(got), {"set.mm/a1i", "set.mm/wrong"})
        self.assertEqual(got["set.mm/a1i"].render(), "Theorem a1i. Introduce an antecedent to ph , see ax-1 .\nGiven:\n  ph   (a1i.1)\n"
                         "Prove: ( ps -> ph )\nProof:\n1. ph   [hypothesis a1i.1]\n2. ( ph -> ( ps -> ph ) )   [ax-1]\n"
                         "3. ( ps -> ph )   [ax-mp with steps 1, 2]\nQ.E.D.\n")

    def test_a_wrong_proof_is_refused(self):
        got = {d.id: d for d in metamath.theorems(self.DATABASE)}
        with self.assertRaisesRegex(ValueError, "does not end in its theorem"):
            got["set.mm/wrong"].render()
        swapped = self.DATABASE.replace("ABADCABEF", "ABADABECF")
        with self.assertRaisesRegex(ValueError, "is not what the proof gives"):
            metamath.theorems(swapped)[0].render()


class Program(unittest.TestCase):
    def test_from_packages_to_files(self):
        with tempfile.TemporaryDirectory() as folder:
            cache = pathlib.Path(folder)
            home = cache / "raw" / "hol-light" / "usr/share/hol-light"
            for i in range(60):
                (home / "100").mkdir(parents=True, exist_ok=True)
                (home / "100" / f"file{i}.ml").write_text(words(i, 300))
            (home / "database.ml").write_text(words("no", 300))
            train, held_out, _ = texts.make(texts.Raw(cache), 1e6)
            self.assertEqual(set(train), {"maths"})  # the other packages are not there
            ids = {t.id for t in train["maths"] + held_out["maths"]}
            self.assertEqual(ids, {f"hol-light/100/file{i}/0" for i in range(60)})
            record = texts.write(cache / "x.jsonl", train["maths"])
            lines = [json.loads(line) for line in (cache / "x.jsonl").read_text().splitlines()]
            self.assertEqual([set(line) for line in lines], [{"id", "text"}] * record["documents"])
            self.assertEqual(record["text_bytes"], sum(len(line["text"].encode()) for line in lines))

    def test_every_source_has_a_note_and_known_packages(self):
        self.assertEqual(list(texts.NOTES), list(packages.SOURCES))
        self.assertEqual({p for names in packages.SOURCES.values() for p in names}, set(packages.DEBIAN))
        importlib.import_module("fetch")


if __name__ == "__main__":
    unittest.main()
