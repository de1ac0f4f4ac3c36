"""Programs that measure in turns."""
import json
import subprocess
import sys


class Program:
    """One that says when it is warm, and a line for each line that it is sent."""

    def __init__(self, command, limit):
        self.program = subprocess.Popen(["timeout", str(limit), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = self.line()

    def line(self):
        text = self.program.stdout.readline()
        if not text:
            status = self.program.wait()
            print(f"{' '.join(self.program.args)} ended with {status}", file=sys.stderr)
            raise SystemExit(status or 1)
        return json.loads(text)

    def round(self):
        self.program.stdin.write("go\n")
        self.program.stdin.flush()
        return self.line()

    def end(self):
        self.program.stdin.close()
        self.program.wait()
