"""Giving memory back to the system."""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path


def trim() -> None:
    """Have glibc's allocator give back what it holds but nobody uses; elsewhere nothing happens.

    It keeps what was freed between pieces still in use. After something large has gone, such as a
    snapshot that was served, that can be most of it (faiss issue 2131).
    """
    if sys.platform == "linux":
        release = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if release is not None:
            release(0)


def forget_pages(path: Path) -> None:
    """Let go of what this process has read of a mapped file; it is read again when it is used.

    Linux only; elsewhere nothing happens.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    wanted = str(path.resolve())
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        # Shared mappings only: what a private one has of its own would be lost.
        if len(fields) == 6 and fields[5] == wanted and fields[1].endswith("s"):
            start, end = (int(part, 16) for part in fields[0].split("-"))
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)
