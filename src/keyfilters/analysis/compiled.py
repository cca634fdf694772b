"""Importing this has the kernels compiled, or read from numba's cache, for the filters of the store, float32.

A preloaded process imports it once for all of its jobs; a job by itself compiles what it calls when it calls it.
"""

from __future__ import annotations

import numpy as np

from keyfilters.analysis import kernels

_FILTERS, _MEAN, _COMPONENTS, _EDGES = np.ones((1, 1), np.float32), np.zeros(1), np.eye(1), np.array([-1.0, 1.0])

for _scaled in (False, True):
    kernels.moments(_FILTERS, _scaled)
kernels.peaks(_FILTERS)
kernels.scale(_FILTERS)
kernels.histograms(_FILTERS, _MEAN, _COMPONENTS, _EDGES)
