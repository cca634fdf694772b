"""The files of a table or a figure, published together with the record of what they were made from."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd

from keyfilters.results.drawing import paper
from keyfilters.results.drawing.style import STYLE
from keyfilters.store import records
from keyfilters.store.files import write_text
from keyfilters.store.identity import key_of

matplotlib.use("agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

SHARE, SIZES = 0.8, (7, 12)  # of a note's letters: points for each inch of width, least and most
LETTER = 0.56  # width of a letter of the font by its size, on average


def publish(
    description: Mapping[str, Any],
    csv: Path,
    frame: pd.DataFrame,
    shown: pd.DataFrame,
    title: str,
    notes: Sequence[str],
    draw: Callable[[], Figure],
    comparison: pd.DataFrame | None = None,
    numbers: str = "%.4f",
    cells: Sequence[Sequence[str | None]] = (),
    data: pd.DataFrame | None = None,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write `frame` to `csv`; beside it `shown` as Markdown, what `draw` draws as images, last the record `.json`.

    `comparison`, of `paper.compare`, becomes `.paper.csv`, and what the paper has too ends the Markdown. `numbers`:
    format of those in the CSV files. `cells[i][j]`: the name of the cell whose number is in row i of `shown`, in its
    column j after the first; the record has them, what is shown, and the paper's numbers by cell.
    What a command reads of it: `data` becomes `.parquet`, and `more` is a part of the record.
    """
    markdown, *pictures = (csv.with_suffix(suffix) for suffix in (".md", ".svg", ".png"))
    written = {csv: frame} if comparison is None else {csv: frame, csv.with_suffix(".paper.csv"): comparison}
    for file, content in written.items():
        write_text(file, content.drop(columns="cell", errors="ignore").to_csv(index=False, float_format=numbers))
    body = shown.to_markdown(index=False, disable_numparse=True)
    beside = [] if comparison is None else filter(None, [paper.shown(comparison)])
    write_text(markdown, f"**{title}**\n\n{body}\n\n" + "\n\n".join([*notes, *beside]) + "\n")
    for picture in pictures:
        save(draw, picture)
    parquet = [] if data is None else [csv.with_suffix(".parquet")]
    for path in parquet:
        data.to_parquet(path, index=False, compression="zstd")
    record = {
        **(more or {}),
        "title": title,
        "notes": notes,
        "shown": {"columns": list(shown.columns), "rows": shown.astype(str).values.tolist()},
    }
    if cells:
        record["cells"] = cells
    if comparison is not None:
        record["paper"] = comparison.dropna(subset=["cell", "paper"]).set_index("cell")["paper"].to_dict()
    records.record(csv.with_suffix(".json"), key_of(description), record, [*written, markdown, *pictures, *parquet])


def caption(figure: Figure, notes: Sequence[str]) -> None:
    """Print the notes below an image, which grows by them: in letters that stay legible where a page shows the image
    at its own width, so the wider the image, the larger."""
    width, height = figure.get_size_inches()
    size = float(np.clip(SHARE * width, *SIZES))  # points
    characters = int(72 * width / (LETTER * size))
    lines = [line for note in notes for line in textwrap.wrap(note, characters)]
    figure.set_size_inches(width, height + 1.25 * size * len(lines) / 72)
    figure.supxlabel("\n".join(lines), fontsize=size, x=0.01, ha="left")


def heading(figure: Figure, title: str) -> None:
    """The title of an image of several parts, in as many lines as it needs."""
    characters = int(72 * figure.get_size_inches()[0] / (LETTER * STYLE["figure.titlesize"]))
    figure.suptitle(textwrap.fill(title, characters), x=0.01, ha="left")


def save(draw: Callable[[], Figure], path: Path) -> None:
    """What `draw` draws in the one style, as SVG or PNG by the path's suffix, whole or not at all, the same bytes for
    the same image."""
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    with plt.rc_context({**STYLE, "svg.hashsalt": path.stem, "svg.fonttype": "none"}):
        figure = draw()
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(partial, dpi=160, metadata=metadata)
    plt.close(figure)
    partial.replace(path)


def shortened(name: str, most: int) -> str:
    """A name of at most so many characters: its beginning and its end."""
    half = (most - 3) // 2
    return name if len(name) <= most else f"{name[:half]}...{name[-half:]}"
