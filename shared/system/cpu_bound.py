"""Bounds the CPU time of a piece of work, also while it is inside a regular expression.

A regular expression holds the interpreter's lock, so no other thread can end it; a signal can,
because Python's matcher looks for signals now and then. Some libraries in C do not. So there are
two bounds: at the first one, the kernel sends a signal whose handler raises; at the second one, it
ends the process by a signal that nothing handles.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import ClassVar, Final, Self

_AGAIN_S: Final = 0.1  # the error is raised again until it has ended the work


class CpuBoundExceeded(Exception):
    """Raised in work that takes more CPU time than it may."""


class CpuBound:
    """Ends the work within it when it takes too long; several may not be nested.

    It works in the main thread only; in another one nothing is bounded. CPU time is that of the
    process, so other threads bring its end nearer::

        try:
            with CpuBound(2.0, fatal_s=20.0):
                text = clean_text(page)
        except CpuBoundExceeded:
            ...

    Args:
        seconds: CPU seconds after which ``CpuBoundExceeded`` is raised.
        fatal_s: CPU seconds after which the process is ended; None for never.
    """

    _active: ClassVar[CpuBound | None] = None

    def __init__(self, seconds: float, *, fatal_s: float | None = None) -> None:
        self.seconds = seconds
        self._fatal_s = fatal_s

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            # Each time: without a handler the signal would end the process.
            signal.signal(signal.SIGVTALRM, _raise)
            CpuBound._active = self
            signal.setitimer(signal.ITIMER_VIRTUAL, self.seconds, _AGAIN_S)
            if self._fatal_s is not None:
                signal.setitimer(signal.ITIMER_PROF, self._fatal_s)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            _disarm()


def _disarm() -> None:
    CpuBound._active = None
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)


def _raise(_number: int, frame: FrameType | None) -> None:
    bound = CpuBound._active
    # An error in one of these would leave the timers running: the work is done, or comes again.
    if bound is None or (frame is not None and frame.f_code in _OURS):
        return
    raise CpuBoundExceeded(f"it takes more than {bound.seconds:g} s of CPU time")


_OURS: Final = (CpuBound.__enter__.__code__, CpuBound.__exit__.__code__, _disarm.__code__)
