"""How a table marks that an accuracy is above or below another one: the paper's arrows, and where they can be told."""

from __future__ import annotations

from dataclasses import dataclass

from keyfilters.results.drawing import palette
from keyfilters.results.drawing.palette import WHITE

THRESHOLD = 0.1  # points of accuracy from which the paper draws an arrow
COLOURS = {"up": palette.ABOVE, "down": palette.BELOW}
ARROWS = {"up": "↑", "down": "↓"}
FILLED = {"up": "▲", "down": "▼"}
RULE = (
    f"Arrows from {THRESHOLD} points, as in the paper; filled, and the cell green (above) or red (below), where the "
    "95 % interval of the difference, over seeds and test images, excludes zero: each cell by itself, and none with "
    "one seed, which has no interval"
)


@dataclass(frozen=True)
class Mark:
    """`arrow` stands before the number, `colour` behind it."""

    arrow: str = ""
    colour: str = WHITE


UP, DOWN = (Mark(ARROWS[direction], COLOURS[direction]) for direction in ("up", "down"))
SAME = Mark("", palette.PALE)


def arrow(difference: float) -> str:
    """`up`, `down` or `same` for a difference in points of accuracy."""
    difference = round(difference, 6)  # 0.1 is not a binary fraction
    if difference >= THRESHOLD:
        return "up"
    return "down" if difference <= -THRESHOLD else "same"


def mark(direction: str, excludes_zero: bool, bare: bool = False) -> Mark:
    """The mark of a `direction`, as `arrow`; `excludes_zero`: whether the difference's interval does; `bare`: without
    arrow, as the paper's diagonals."""
    drawn = "" if bare else (FILLED if excludes_zero else ARROWS).get(direction, "")
    return Mark(drawn, COLOURS.get(direction, WHITE) if excludes_zero else WHITE)
