"""A table as CSV, Markdown and picture, published together with the record of what it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

from keyfilters.artifacts import write_text
from keyfilters.jobs import key_of
from keyfilters.results import published

matplotlib.use("agg")
import matplotlib.pyplot as plt

# The paper's colours: better than the row's selffer, worse, and between.
COLOURS = {"up": "#cfe8cf", "down": "#f4cccc", "same": "#e6e6e6", "": "#ffffff"}
ARROWS = {"up": "↑", "down": "↓", "same": "", "": ""}


@dataclass(frozen=True)
class Grid:
    """What people see: `text[i][j]` and its `mark` (a key of COLOURS), under headers."""

    corner: str
    columns: Sequence[str]
    rows: Sequence[str]
    text: Sequence[Sequence[str]]
    marks: Sequence[Sequence[str]]

    @property
    def lines(self) -> list[list[str]]:
        """The cells with their arrows, each line led by its row's name."""
        return [
            [name, *(ARROWS[mark] + text for text, mark in zip(texts, marks, strict=True))]
            for name, texts, marks in zip(self.rows, self.text, self.marks, strict=True)
        ]


def publish(
    description: Mapping[str, Any],
    csv: Path,
    frame: pd.DataFrame,
    grid: Grid,
    title: str,
    notes: Sequence[str],
) -> None:
    """Write the table to `csv`, as Markdown and pictures beside it and, last, its record `.json`."""
    markdown, *pictures = (csv.with_suffix(suffix) for suffix in (".md", ".svg", ".png"))
    write_text(csv, frame.to_csv(index=False, float_format="%.4f"))
    body = pd.DataFrame(grid.lines, columns=[grid.corner, *grid.columns]).to_markdown(
        index=False, disable_numparse=True
    )
    write_text(markdown, f"**{title}**\n\n{body}\n\n" + "\n\n".join(notes) + "\n")
    for picture in pictures:
        draw(grid, title, notes, picture)
    content = {"title": title, "notes": notes}
    published.record(csv.with_suffix(".json"), key_of(description), content, [csv, markdown, *pictures])


def draw(grid: Grid, title: str, notes: Sequence[str], path: Path) -> None:
    """The grid as a picture; SVG or PNG by the path's suffix, the same bytes for the same grid."""
    width, height = 1.9 + 1.25 * len(grid.columns), 0.36 * (len(grid.rows) + 1)
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    axes.axis("off")
    axes.set_title(title, fontsize=9, loc="left", wrap=True)
    drawn = axes.table(
        cellText=[[grid.corner, *grid.columns], *grid.lines],
        cellColours=[
            [COLOURS[""]] * (1 + len(grid.columns)),
            *([COLOURS[""], *(COLOURS[mark] for mark in marks)] for marks in grid.marks),
        ],
        cellLoc="center",
        colWidths=[1.9 / width, *[1.25 / width] * len(grid.columns)],
        bbox=[0, 0, 1, 1],
    )
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(8)
    figure.supxlabel("\n".join(notes), fontsize=6, x=0.01, ha="left", wrap=True)
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    with plt.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "none"}):
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(partial, dpi=160, metadata=metadata)
    plt.close(figure)
    partial.replace(path)
