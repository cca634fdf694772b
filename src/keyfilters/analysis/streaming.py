"""Filters in blocks of any size, through a kernel, on all cores, in constant memory.

Filters come as an iterable of blocks, each floating point `[n, d]`: the layers of a model, pieces of a file, or one
array alone. They are cut into chunks of `CHUNK_BYTES`, which threads work on where they lie. No more chunks wait than
keep the threads busy, so memory is that of the largest block and a few chunks, whatever the number of filters.
Results come in the order of the filters, whatever the number of threads, and so do sums of them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

Blocks = np.ndarray | Iterable[np.ndarray]
Labelled = Iterable[tuple[Any, np.ndarray]]
Result = TypeVar("Result")

CHUNK_BYTES = 1 << 22


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def over(
    blocks: Blocks, kernel: Callable[..., Result], *arguments: Any, threads: int | None = None
) -> Iterator[Result]:
    """`kernel(chunk, *arguments)` for every chunk, in order. `threads`: None is all cores."""
    blocks = [blocks] if isinstance(blocks, np.ndarray) else blocks
    for _, result in over_labelled(((None, block) for block in blocks), kernel, *arguments, threads=threads):
        yield result


def over_labelled(
    blocks: Labelled, kernel: Callable[..., Result], *arguments: Any, threads: int | None = None
) -> Iterator[tuple[Any, Result]]:
    """As `over`, for blocks that come with a label, which every result of their chunks has."""
    threads = threads or cores()
    waiting: deque[tuple[Any, Future[Result]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for label, block in blocks:
            for chunk in _chunks(block):
                waiting.append((label, pool.submit(kernel, chunk, *arguments)))
                if len(waiting) > threads + 1:
                    label_of_first, first = waiting.popleft()
                    yield label_of_first, first.result()
        for label, result in waiting:
            yield label, result.result()


def rounded(blocks: Labelled, precision: str) -> Labelled:
    """The blocks with weights rounded to a precision, `float32` or `float16`; too large for it, they are infinite."""
    if precision == "float32":
        return blocks
    return ((label, _as_halves(block)) for label, block in blocks)


def _as_halves(block: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return block.astype(np.float16).astype(np.float32)


def _chunks(block: np.ndarray) -> Iterator[np.ndarray]:
    """The block `[n, d]` in pieces, contiguous, float32 or float64."""
    rows = max(1, CHUNK_BYTES // (4 * max(block.shape[1], 1)))
    for start in range(0, len(block), rows):
        chunk = block[start : start + rows]
        if chunk.dtype not in (np.float32, np.float64):
            chunk = chunk.astype(np.float32)
        yield np.ascontiguousarray(chunk)
