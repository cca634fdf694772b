"""A basis of drawn filters and histograms in it, which tests of small groups share."""

import numpy as np

from keyfilters.analysis.basis import Bins, fit
from keyfilters.analysis.coefficients import bounds, edges, histograms
from keyfilters.analysis.moments import moments
from keyfilters.config.analysis import Analysis
from tests.helpers.drawn_filters import draw

ANALYSIS = Analysis()
BASIS = fit(moments(draw(5000), 9))
BINS = Bins(BASIS, edges(*bounds(BASIS), ANALYSIS.bins))


def counts(filters: np.ndarray) -> np.ndarray:
    """Histograms `[9, bins]` of filters `[n, 9]`."""
    return histograms(filters, BASIS, BINS.edges)[:, :-1]
