"""What a preloaded process has compiled for its jobs."""

import subprocess
import sys

JOBS = """
from dataclasses import replace

import numpy as np

from keyfilters.analysis import kernels
from keyfilters.analysis.basis import fit
from keyfilters.analysis.coefficients import edges, histograms_of_layers, scale
from keyfilters.analysis.layers import measure
from keyfilters.analysis import compiled


def signatures():
    return {name: kernel.signatures for name, kernel in vars(kernels).items() if hasattr(kernel, "signatures")}


before = str(signatures())
filters = np.random.default_rng(0).normal(size=(20, 25)).astype(np.float32)
[(_, layer)] = measure([("layer", filters)], threads=1)
scale(filters)
found = fit(layer.scaled)
basis = replace(found, components=np.ascontiguousarray(found.components))  # as it is read from its artifact
list(histograms_of_layers([("layer", filters)], basis, edges(-1, 1, 70), threads=1))
assert str(signatures()) == before, signatures()
assert kernels.moments.signatures and kernels.histograms.signatures
"""


def test_jobs_of_the_store_compile_nothing_more():
    """In a process of its own, where no other test has compiled anything."""
    subprocess.run([sys.executable, "-c", JOBS], check=True)
