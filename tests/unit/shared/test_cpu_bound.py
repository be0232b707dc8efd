"""Bounds of CPU time, each in a process of its own: they work by signals, one of which ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SETUP = """
import os, re, signal, threading, time
from shared.system.cpu_bound import CpuBound, CpuBoundExceeded
ENDLESS = re.compile(r"(a|aa)+$")
TEXT = "a" * 80 + "b"
"""


def ended(work: str) -> subprocess.CompletedProcess[str]:
    """The end of a process that did some work."""
    command = [sys.executable, "-c", SETUP + work]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)


def test_a_regular_expression_is_ended() -> None:
    done = ended("""
began = time.process_time()
try:
    with CpuBound(0.1):
        ENDLESS.match(TEXT)
except CpuBoundExceeded as error:
    print(error, time.process_time() - began < 5)
""")
    assert (done.returncode, done.stdout) == (0, "it takes more than 0.1 s of CPU time True\n")


def test_an_error_that_is_swallowed_comes_again() -> None:
    done = ended("""
swallowed = []
try:
    with CpuBound(0.1):
        while True:
            try:
                ENDLESS.match(TEXT)
            except Exception:
                swallowed.append(1)
                if len(swallowed) == 2:
                    raise
except CpuBoundExceeded:
    print(len(swallowed))
""")
    assert (done.returncode, done.stdout) == (0, "2\n")


def test_what_is_in_time_is_left_alone_and_so_is_what_follows() -> None:
    done = ended("""
with CpuBound(0.1, fatal_s=0.2):
    pass
began = time.process_time()
while time.process_time() < began + 0.4:
    pass
""")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_of_the_work_passes() -> None:
    done = ended("""
try:
    with CpuBound(1.0, fatal_s=2.0):
        os.environ["MISSING"]
except KeyError:
    print(signal.getitimer(signal.ITIMER_VIRTUAL), signal.getitimer(signal.ITIMER_PROF))
""")
    assert (done.returncode, done.stdout) == (0, "(0.0, 0.0) (0.0, 0.0)\n")


def test_a_bound_within_another_one_ends_both() -> None:
    done = ended("""
with CpuBound(0.1, fatal_s=0.2):
    with CpuBound(0.1):
        pass
print(signal.getitimer(signal.ITIMER_VIRTUAL), signal.getitimer(signal.ITIMER_PROF))
""")
    assert (done.returncode, done.stdout) == (0, "(0.0, 0.0) (0.0, 0.0)\n")


def test_another_thread_is_not_bounded() -> None:
    done = ended("""
def work():
    with CpuBound(0.01):
        began = time.process_time()
        while time.process_time() < began + 0.1:
            pass
        print("done")
thread = threading.Thread(target=work)
thread.start()
thread.join()
""")
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_what_hears_no_signal_ends_with_its_process() -> None:
    done = ended("""
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGVTALRM})
with CpuBound(0.05, fatal_s=0.2):
    ENDLESS.match(TEXT)
""")
    assert done.returncode == -signal.SIGPROF
