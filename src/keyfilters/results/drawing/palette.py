"""The colours of tables and figures, of which a thing has the same one wherever it is drawn.

They are those of Okabe and Ito, which people with any colour vision tell apart (https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

BLACK, GREY, PALE = "#000000", "#777777", "#e6e6e6"
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

DISTANT, OWN = BLUE, GREEN
"""Filters of another set's network, and those of the target's own."""

CONTROLS = {"random": ORANGE, "identity": PURPLE, "norms": SKY, "permuted": VERMILLION, "closed_forms": YELLOW}
"""Of what stands in the place of the source's filters, `config.transfer.Control`."""
