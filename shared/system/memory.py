"""Returning memory to the system."""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path


def trim() -> None:
    """Make glibc's allocator return unused memory; does nothing on other systems.

    The allocator keeps memory that was freed between pieces in use. After something large was
    freed, such as a snapshot, that can be most of its size (faiss issue 2131).
    """
    if sys.platform == "linux":
        release = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if release is not None:
            release(0)


def forget_pages(path: Path) -> None:
    """Unload the pages of a mapped file from this process; they are read again when used.

    Does nothing on systems other than Linux.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    mapped = str(path.resolve())
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        # Shared mappings only: a private one would lose its changes.
        if len(fields) == 6 and fields[5] == mapped and fields[1].endswith("s"):
            start, end = (int(part, 16) for part in fields[0].split("-"))
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)
