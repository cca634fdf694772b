"""A table as people see it: CSV, Markdown and image."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.results.drawing import files
from keyfilters.results.drawing.arrows import WHITE, Mark

LETTERS = 14  # of a header that fit an inch


@dataclass(frozen=True)
class Grid:
    """What people see: `text[i][j]` and its mark `marks[i][j]`, if there are any, under headers.

    `cells[i][j]`: the name of the cell whose number stands there, None where none does. `width` of a column and of
    the `lead`ing one in inches.
    """

    corner: str
    columns: Sequence[str]
    rows: Sequence[str]
    text: Sequence[Sequence[str]]
    marks: Sequence[Sequence[Mark]] = ()
    cells: Sequence[Sequence[str | None]] = ()
    width: float = 1.25
    lead: float = 1.9

    @property
    def lines(self) -> list[list[str]]:
        """The cells with their arrows, each line led by its row's name."""
        return [
            [name, *(self.mark(i, j).arrow + text for j, text in enumerate(texts))]
            for i, (name, texts) in enumerate(zip(self.rows, self.text, strict=True))
        ]

    def mark(self, i: int, j: int) -> Mark:
        """Of row i, column j."""
        return self.marks[i][j] if self.marks else Mark()


def publish(
    description: Mapping[str, Any],
    csv: Path,
    frame: pd.DataFrame,
    grid: Grid,
    title: str,
    notes: Sequence[str],
    comparison: pd.DataFrame | None = None,
) -> None:
    """Write the table to `csv`, as Markdown and images beside it and, last, its record `.json`."""
    shown = pd.DataFrame(grid.lines, columns=[grid.corner, *grid.columns])
    draws = partial(draw, grid, title, notes)
    files.publish(description, csv, frame, shown, title, notes, draws, comparison, cells=grid.cells)


def draw(grid: Grid, title: str, notes: Sequence[str]) -> Figure:
    """The grid as a image."""
    headers = [textwrap.fill(name, round(LETTERS * grid.width)) for name in grid.columns]
    tall = 1 + 0.5 * max(header.count("\n") for header in headers)
    width = grid.lead + grid.width * len(grid.columns)
    height = max(1.7, 0.36 * (len(grid.rows) + tall))  # high enough for the notes
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    axes.axis("off")
    axes.set_title(title, fontsize=9, loc="left", wrap=True)
    drawn = axes.table(
        cellText=[[grid.corner, *headers], *grid.lines],
        cellColours=[
            [WHITE] * (1 + len(grid.columns)),
            *([WHITE, *(grid.mark(i, j).colour for j in range(len(grid.columns)))] for i in range(len(grid.rows))),
        ],
        cellLoc="center",
        colWidths=[grid.lead / width, *[grid.width / width] * len(grid.columns)],
        bbox=[0, 0, 1, 1],
    )
    for column in range(1 + len(headers)):
        drawn[0, column].set_height(tall * drawn[0, column].get_height())
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(8)
    files.caption(figure, notes)
    return figure
