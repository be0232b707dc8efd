"""Work that takes too long is ended, also within a regular expression."""

from __future__ import annotations

import os
import re
import signal
import threading
import time

import pytest

from shared.system.cpu_bound import CpuBound, CpuBoundExceeded

ENDLESS = re.compile(r"(a|aa)+$")
TEXT = "a" * 80 + "b"


def test_a_regular_expression_is_ended() -> None:
    began = time.process_time()
    with pytest.raises(CpuBoundExceeded, match=r"more than 0\.1 s of CPU time"), CpuBound(0.1):
        ENDLESS.match(TEXT)
    assert time.process_time() - began < 5


def test_an_error_that_is_swallowed_comes_again() -> None:
    def stubborn() -> None:
        while True:
            try:
                ENDLESS.match(TEXT)
            except Exception:
                swallowed.append(1)
                if len(swallowed) == 2:
                    raise

    swallowed: list[int] = []
    with pytest.raises(CpuBoundExceeded), CpuBound(0.1):
        stubborn()


def test_what_is_in_time_is_left_alone_and_so_is_what_follows() -> None:
    with CpuBound(0.1, fatal_s=0.2):
        pass
    began = time.process_time()
    while time.process_time() < began + 0.4:
        pass


def test_an_error_of_the_work_passes() -> None:
    with pytest.raises(KeyError), CpuBound(1.0):
        os.environ["MISSING"]
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_another_thread_is_not_bounded() -> None:
    done = []

    def work() -> None:
        with CpuBound(0.01):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_what_hears_no_signal_ends_with_its_process() -> None:
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGVTALRM})
        with CpuBound(0.05, fatal_s=0.2):
            ENDLESS.match(TEXT)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGPROF
