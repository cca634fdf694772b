"""Drives an HDF5 file through the whole analysis, from file to D: `python hundred_million.py FILE DATASET`.

Prints as JSON the filters seen by each pass, the peak memory in bytes, and D between the file's two halves. The
process may hold 1.5 GiB of its own data, and fails if it wants more.
"""

import json
import resource
import sys
from collections.abc import Iterator
from itertools import pairwise

import h5py
import numpy as np

from keyfilters.analysis.basis import fit
from keyfilters.analysis.coefficients import edges, extremes, histograms
from keyfilters.analysis.drift import distributions, pairwise_drift
from keyfilters.analysis.moments import moments
from keyfilters.settings import Analysis

LIMIT = 3 << 29
BLOCK = 1 << 15


def blocks(filters: h5py.Dataset, start: int, stop: int) -> Iterator[np.ndarray]:
    for first in range(start, stop, BLOCK):
        block = filters[first : min(first + BLOCK, stop)]
        yield block.reshape(len(block), -1)


def analyse(filters: h5py.Dataset) -> dict:
    rows = len(filters)
    found = moments(blocks(filters, 0, rows), 9)
    basis = fit(found)
    borders = edges(*extremes(blocks(filters, 0, rows), basis), 70)
    halves = pairwise((0, rows // 2, rows))
    counts = np.stack([histograms(blocks(filters, *half), basis, borders) for half in halves])
    shares = distributions(counts[..., :-1], borders[1] - borders[0], Analysis())
    return {
        "moments": found.count,
        "counted": counts.sum(axis=(0, 2)).tolist(),
        "outside": int(counts[..., -1].sum()),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "drift": pairwise_drift(shares, basis.ratios).tolist(),
    }


resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
with h5py.File(sys.argv[1]) as file:
    print(json.dumps(analyse(file[sys.argv[2]])))
