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
from matplotlib.patches import Rectangle

from keyfilters.results.drawing import files, palette
from keyfilters.results.drawing.arrows import Mark
from keyfilters.results.drawing.style import MIN_POINTS, STYLE, WIDTH

SIZE = 8.5  # points of the letters, where the columns leave room for them
HEADER, LEAD, GAP = 14, 60, 2  # letters of a header's line, of a row's name, and between columns
NARROWEST = 7.0  # inches of an image, as far as its title and notes want them


@dataclass(frozen=True)
class Grid:
    """What people see: `text[i][j]` and its mark `marks[i][j]`, if there are any, under headers.

    `cells[i][j]`: the name of the cell whose number stands there, None where none does.
    `upright`: whether an image has the only row as a column, since as a row it is wider than a page.
    """

    corner: str
    columns: Sequence[str]
    rows: Sequence[str]
    text: Sequence[Sequence[str]]
    marks: Sequence[Sequence[Mark]] = ()
    cells: Sequence[Sequence[str | None]] = ()
    upright: bool = False

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
    draws = partial(draw, turned(grid, comparison) if grid.upright else grid, title, notes)
    files.publish(description, csv, frame, shown, title, notes, draws, comparison, cells=grid.cells)


def turned(grid: Grid, comparison: pd.DataFrame | None) -> Grid:
    """A table of one row as one of one column, which fits a page, with the paper's numbers beside it if it has any."""
    columns, texts = list(grid.rows), [[text] for text in grid.text[0]]
    marks = [[mark] for mark in grid.marks[0]] if grid.marks else []
    if comparison is not None and grid.cells:
        printed = comparison.dropna(subset=["cell", "paper"]).set_index("cell")["paper"]
        if len(printed):
            columns.append("Paper's (%)")
            beside = [f"{printed[cell]:.1f}" if cell in printed else "" for cell in grid.cells[0]]
            texts = [[*text, number] for text, number in zip(texts, beside, strict=True)]
            marks = [[*mark, Mark()] for mark in marks]
    return Grid(grid.corner, columns, grid.columns, texts, marks)


def draw(grid: Grid, title: str, notes: Sequence[str]) -> Figure:
    """The grid as an image."""
    headers = ["\n".join(textwrap.wrap(name, HEADER, break_long_words=False)) for name in grid.columns]
    table = [[grid.corner, *headers], *([textwrap.fill(line[0], LEAD), *line[1:]] for line in grid.lines)]
    letters = _letters(list(zip(*table, strict=True)), round(72 * WIDTH / (files.LETTER * SIZE)))
    size = max(MIN_POINTS, min(SIZE, 72 * WIDTH / (files.LETTER * sum(letters))))
    table = [
        ["\n".join(_wrapped(text, most - GAP)) for text, most in zip(line, letters, strict=True)] for line in table
    ]
    letter, line_height = files.LETTER * size / 72, 1.25 * size / 72
    heights = [line_height * (0.7 + max(text.count("\n") + 1 for text in line)) for line in table]
    width = letter * sum(letters)
    figure, axes = plt.subplots(figsize=(max(NARROWEST, width), sum(heights) + 0.35), layout="constrained")
    axes.set(xlim=(0, max(NARROWEST, width)), ylim=(sum(heights), 0))
    axes.axis("off")
    axes.set_title(textwrap.fill(title, round(max(NARROWEST, width) * 72 / (files.LETTER * STYLE["axes.titlesize"]))))
    top = 0.0
    for i, (line, height) in enumerate(zip(table, heights, strict=True), start=-1):
        left = 0.0
        for j, (text, most) in enumerate(zip(line, letters, strict=True), start=-1):
            if i >= 0 and j >= 0 and (colour := grid.mark(i, j).colour) != palette.WHITE:
                axes.add_patch(Rectangle((left, top), letter * most, height, facecolor=colour, edgecolor="none"))
            x, side = (left + letter * GAP / 2, "left") if j < 0 else (left + letter * most / 2, "center")
            axes.text(x, top + height / 2, text, ha=side, va="center_baseline", fontsize=size, linespacing=1.15)
            left += letter * most
        top += height
        edge = {"color": palette.BLACK, "linewidth": 0.8} if i < 0 else {"color": palette.PALE, "linewidth": 0.6}
        axes.plot([0, width], [top, top], **edge)
    files.caption(figure, notes)
    return figure


def _letters(columns: Sequence[Sequence[str]], most: int) -> list[int]:
    """How many letters wide each column is, the gap with them: as its longest line, but if all together are wider than
    `most`, the widest give way as far as their words stay whole."""
    widths, least = (
        [GAP + max(len(part) for text in column for part in parts(text) or [""]) for column in columns]
        for parts in (str.splitlines, str.split)
    )
    while sum(widths) > most and widths != least:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _wrapped(text: str, most: int) -> list[str]:
    """Its lines, none longer than `most` as far as its words allow."""
    if all(len(line) <= most for line in text.splitlines()):
        return text.splitlines()
    return textwrap.wrap(text, most, break_long_words=False)
