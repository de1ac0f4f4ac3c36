#!/usr/bin/env python3
"""A run that is killed again and again ends with the bits of one that was not.

kill.py PROGRAM SCRATCH [KILLS=20]
"""
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time


def finish(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stopped(command, how, delay):
    """Starts the program, sends it a signal after it has begun and `delay` seconds have passed; its exit status and output."""
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = program.stdout.readline()
    time.sleep(delay)
    program.send_signal(how)
    out, errors = program.communicate(timeout=300)
    return program.returncode, first + out, errors


def checksum(text):
    return re.search(r"finished at step 40 with ([0-9a-f]{16})", text).group(1)


def main(program, scratch, kills=20):
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    whole = checksum(finish([program, "--folder", scratch + "/whole"]))
    again = checksum(finish([program, "--folder", scratch + "/again"]))
    assert whole == again, "two runs alone differ"

    # A checkpoint is being written at almost every moment, so most kills come within a save.
    folder, killed, finished, resumed = scratch + "/killed", 0, 0, set()
    draw = random.Random()
    command = [program, "--folder", folder]
    while killed < kills:
        code, out, errors = stopped(command, signal.SIGKILL, draw.uniform(0.0, 0.15))
        assert code in (0, -signal.SIGKILL), out + errors
        resumed.add(re.search(r"at step (\d+)", out).group(1))
        killed += code == -signal.SIGKILL
        if code == 0:  # once more from the start
            assert checksum(out) == whole, "the killed run ends with other bits"
            shutil.rmtree(folder)
            finished += 1
            assert finished <= kills + 10, "the program is too quick to be killed"
        elif draw.random() < 0.2 and os.path.lexists(folder + "/latest"):
            os.remove(folder + "/latest")
    print(f"killed {killed} times; began at steps {sorted(map(int, resumed))}; finished {finished} times on the way")
    assert checksum(finish(command)) == whole, "the killed run ends with other bits"
    assert os.readlink(folder + "/latest") == "step-00000040"

    # A second process keeps away while the first one runs.
    first = subprocess.Popen([program, "--folder", scratch + "/shared"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first.stdout.readline()
    time.sleep(0.05)
    done = subprocess.run([program, "--folder", scratch + "/shared"], capture_output=True, text=True)
    out, errors = first.communicate(timeout=300)
    assert done.returncode == 2 and f"is used by process {first.pid}" in done.stderr, done.stdout + done.stderr
    assert checksum(out) == whole, out + errors

    command = [program, "--folder", scratch + "/asked"]
    code, out, errors = stopped(command, signal.SIGTERM, 0.03)
    assert code == 0, out + errors
    assert "run again to go on" in out, out
    assert checksum(finish(command)) == whole, "the run that was asked to stop ends with other bits"

    # A broken newest checkpoint is passed over for the one before.
    newest = sorted(os.listdir(scratch + "/asked"))[-1]
    with open(f"{scratch}/asked/{newest}/state.safetensors", "r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b"\xff")
    out = finish(command)
    assert "resumed at step 39" in out and checksum(out) == whole, out

    # Another recipe does not go on from there without a word.
    done = subprocess.run(command + ["--set", "second.rate.from=2e-3"], capture_output=True, text=True)
    assert done.returncode == 2 and "second.rate.from there 0.001, here 0.002" in done.stderr, done.stderr
    print("same bits after every stop")


if __name__ == "__main__":
    # In memory where there is such a place: a killed process loses nothing that it wrote, and a busy disk would take most of the time.
    memory = f"/dev/shm/midtrain-kill-{os.getpid()}"
    scratch = memory if os.access("/dev/shm", os.W_OK) else sys.argv[2]
    try:
        main(sys.argv[1], scratch, *map(int, sys.argv[3:4]))
    finally:
        shutil.rmtree(memory, ignore_errors=True)
