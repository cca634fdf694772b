"""The colours of tables and figures, of which a thing has the same one wherever it is drawn.

They are those of Okabe and Ito, which people with any colour vision tell apart (https://jfly.uni-koeln.de/color/), and
two darker ones, told apart from them in the same way.
"""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.colors import to_hex

BLACK, WHITE, GREY, PALE = "#000000", "#ffffff", "#777777", "#e6e6e6"
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
BROWN, WINE = "#7A4A1E", "#882255"

CYCLE = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY)
"""Of what has no colour of its own."""
MARKERS = "os^Dv<"  # of points, told apart without colours too

DISTANT, OWN = BLUE, GREEN
"""Filters of another set's network, and those of the target's own."""

FROZEN, TRAINED = BLUE, VERMILLION
"""Transferred layers, and those that begin at random weights."""

CONTROLS = {
    "random": ORANGE,
    "identity": PURPLE,
    "norms": SKY,
    "permuted": VERMILLION,
    "closed_forms": BROWN,
    "universal": WINE,
}
"""Of what stands in the place of the source's filters, `config.transfer.Control`."""

ABOVE, BELOW, CLAIMED = "#c3e8dc", "#f8d0c2", "#e3eef7"
"""Behind numbers and bars, so pale that black letters stay legible: green, red, and a range."""

CLAIMS = {"supported": GREEN, "contradicted": VERMILLION, "less than a point": BLUE, "undecided": GREY}
QUALITY = {"sparse": VERMILLION, "low diversity": ORANGE, "random": PURPLE, "too few": GREY, "regular": GREEN}
"""Of verdicts on claims and on layers."""

WEIGHTS, DRIFT, COUNTS = "RdBu_r", "inferno", "viridis"
"""Colour maps: minus is blue and plus red, little drift is dark, few filters are dark."""


def ordered(count: int) -> list[str]:
    """Colours of what has an order, dark to bright."""
    return [to_hex(colour) for colour in matplotlib.colormaps[COUNTS](np.linspace(0, 0.85, max(count, 1)))]
