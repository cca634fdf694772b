"""The C library's memory, kept by the process from one training step to the next."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
NEVER, LARGEST = 2**31 - 1, 2**25  # bytes; more than 32 MiB glibc does not take for the second


def keep_freed_memory() -> bool:
    """Let glibc keep what is freed, so that a step finds the memory of the last; whether the library took it.

    As it comes, glibc gives large blocks back to the system and asks for them anew: a step of the mini study's network
    on a CPU then waits for 4,000 to 6,000 pages to be emptied, a quarter of its time. The process keeps the largest
    memory that it once had. Numbers stay the same.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # macOS and musl have none
    if mallopt is None:
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGEST)) and bool(mallopt(TRIM_THRESHOLD, NEVER))
