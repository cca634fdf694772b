"""Which device a job trains on: a place on a GPU of its own, or the CPU where no GPU is seen.

A place is a file lock, which the system releases with the process, so a killed job frees its GPU.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import torch
from filelock import FileLock, Timeout

SECONDS = 1  # from one look for a free slot to the next


@contextmanager
def hold(jobs_per_gpu: int) -> Iterator[torch.device]:
    """A device for one training, this process's alone or one of `jobs_per_gpu` on it; waits until one is free.

    Only GPUs that this process sees count, so `CUDA_VISIBLE_DEVICES`, which SLURM sets too, is respected. Jobs of
    other users are not seen.
    """
    names = _gpus()
    if not names:
        yield torch.device("cpu")
        return
    with gpu_slot(names, jobs_per_gpu, Path(tempfile.gettempdir()) / f"keyfilters-gpus-{os.getuid()}") as index:
        torch.cuda.set_device(index)
        yield torch.device("cuda", index)


@contextmanager
def gpu_slot(names: Sequence[str], jobs_per_gpu: int, folder: Path) -> Iterator[int]:
    """A free slot on one of the GPUs `names`, each of which has `jobs_per_gpu`; gives the GPU's number in `names`.

    A GPU without a job comes before one that has some. `folder` has the locks of this machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    slots = [
        (number, FileLock(folder / f"{names[number]}.{share}"))
        for share, number in product(range(jobs_per_gpu), range(len(names)))
    ]
    number, lock = _first_free(slots)
    try:
        yield number
    finally:
        lock.release()


def _first_free(slots: Sequence[tuple[int, FileLock]]) -> tuple[int, FileLock]:
    announced = False
    while True:
        for number, lock in slots:
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            return number, lock
        if not announced:
            print(f"waiting for a free slot on a GPU, all {len(slots)} are taken", file=sys.stderr, flush=True)
            announced = True
        time.sleep(SECONDS)


def _gpus() -> list[str]:
    """The GPUs that this process sees, by names that mean the same to every process."""
    if not torch.cuda.is_available():
        return []
    return [str(torch.cuda.get_device_properties(number).uuid) for number in range(torch.cuda.device_count())]
