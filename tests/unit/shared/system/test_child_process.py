"""Real child processes: how they end with their parent, and how they are stopped."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time

import psutil
import pytest

from shared.system.child_process import terminate_then_kill
from tests.support.waiting import wait_until

IGNORES_SIGTERM = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(600)"
)
ENDS_ON_SIGTERM = "import time; print('ready', flush=True); time.sleep(600)"
PARENT = """
import os, subprocess, sys, time
from functools import partial
from shared.system.child_process import die_with_parent

child = subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(600)"],
    preexec_fn=partial(die_with_parent, {parent}), start_new_session=True,
)
print(child.pid, flush=True)
time.sleep(600)
"""


async def stopped(program: str, grace_s: float) -> tuple[bool, int | None]:
    """Start a program and stop it; returns whether it was killed, and its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    killed = await terminate_then_kill(process.send_signal, process.wait(), grace_s=grace_s)
    return killed, process.returncode


async def test_a_child_that_ends_on_sigterm_is_not_killed() -> None:
    assert await stopped(ENDS_ON_SIGTERM, 30) == (False, -signal.SIGTERM)


async def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_period() -> None:
    began = time.monotonic()
    assert await stopped(IGNORES_SIGTERM, 0.3) == (True, -signal.SIGKILL)
    assert time.monotonic() - began >= 0.3


async def test_a_child_that_has_ended_needs_no_signal() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await process.wait()
    assert not await terminate_then_kill(process.send_signal, process.wait(), grace_s=1)


@pytest.mark.skipif(sys.platform != "linux", reason="the signal comes from Linux")
def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(parent="os.getpid()")], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: not psutil.pid_exists(child))


@pytest.mark.skipif(sys.platform != "linux", reason="the signal comes from Linux")
def test_a_child_whose_parent_is_gone_exits_at_once() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(parent="1")], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        wait_until(lambda: child.status() == psutil.STATUS_ZOMBIE)
        parent.kill()
