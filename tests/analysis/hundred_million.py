"""Drives a file of CNN Filter DB's form through the whole analysis, from file to D: `python hundred_million.py FILE`.

Prints as JSON the filters that each pass saw, the peak memory in bytes, and D between the file's networks. The
process may hold 1.5 GiB of its own data, and fails if it wants more.
"""

import json
import re
import resource
import sys
from pathlib import Path

import numpy as np

from keyfilters.analysis.basis import Bins, fit
from keyfilters.analysis.coefficients import edges, extremes
from keyfilters.analysis.drift import distributions, pairwise_drift
from keyfilters.analysis.moments import merge
from keyfilters.analysis.stages import moments
from keyfilters.analysis.stages.histograms import counted
from keyfilters.config.analysis import Analysis, filters_of
from keyfilters.filters.hdf5 import Published

LIMIT = 3 << 29
SET = "conv_3x3"


def analyse(path: Path) -> dict:
    analysis, filters = Analysis(), Published(path)
    settings = filters_of(analysis) | analysis.model_dump(include={"sparse", "sparse_share"})
    layers, arrays = moments.measured(filters, settings)
    basis = fit(merge(moments.unstacked(arrays, SET), 9))
    low, high = extremes((block for _, block in filters.blocks(filters.layers)), basis)
    bins = Bins(basis, edges(low, high, analysis.bins))
    counts = counted(filters, {SET: bins}, settings)[SET]
    networks = np.stack([counts[layers["model_id"] == number].sum(axis=0) for number in layers["model_id"].unique()])
    shares = distributions(networks[..., :-1], bins.width, analysis)
    return {
        "moments": basis.count,
        "sparsest": float(layers["sparsity"].max()),
        "counted": counts.sum(axis=(0, 2)).tolist(),
        "outside": int(counts[..., -1].sum()),
        "peak": _peak(),
        "drift": pairwise_drift(shares, basis.ratios).tolist(),
    }


def _peak() -> int:
    """Bytes that this program had at most; `ru_maxrss` would begin with what the process that started it had."""
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
print(json.dumps(analyse(Path(sys.argv[1]))))
