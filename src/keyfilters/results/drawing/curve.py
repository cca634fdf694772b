"""Figures of accuracy against the number n of transferred layers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.results.drawing import cells, files

COLOURS = ("#1f6fb4", "#d9661f", "#3a8f5c", "#8c5aa8", "#555555", "#999999", "#b08a3c", "#c06c84")


@dataclass(frozen=True)
class Point:
    """One cell: n, and its accuracy in the figure's unit with its deviation over the seeds."""

    n: int
    mean: float
    spread: float | None


def curve(
    description: Mapping[str, Any],
    file: Path,
    title: str,
    layers: str,
    notes: Sequence[str],
    *,
    relative: bool,
    names: Mapping[str, str] | None = None,
) -> None:
    """Publish the figure's cells: the base model and, for each series, a cell for each n.

    `relative`: percent of the base model's accuracy instead of percent of the test images. `layers`: what n
    counts. `names`: of series, where they are not as in the cells.
    """
    results = file.parents[1]
    records = cells.load(description, results)
    base, *transferred = records
    scale = 100 / base["mean"] if relative else 1
    series, rows = defaultdict(list), []
    for record in transferred:
        name = _series(record, names or {})
        spread = record["spread"] and scale * record["spread"]
        series[name].append(Point(record["role"]["n"], scale * record["mean"], spread))
        rows.append(
            {
                "series": name,
                "layers": record["role"]["n"],
                **{key: record[key] for key in ("mean", "spread", "n")},
                "percent_of_base": 100 * record["mean"] / base["mean"],
            }
        )
    rows.insert(0, {"series": "base B", "layers": 0, **{key: base[key] for key in ("mean", "spread", "n")}})
    rows[0]["percent_of_base"] = 100.0
    notes = [
        cells.basis(records, results.name),
        cells.sampling(records),
        f"n counts {layers} in order of execution; the dashed line, with a band of one standard error, is base B, "
        f"trained on {base['target']['title']} with no layer transferred, {cells.percent(base)} %. Network: "
        f"{cells.network(base['role']['model'])}.",
        *notes,
        cells.choices(transferred, "convolution"),
        *cells.on_controls(records),
    ]
    counts = sorted({point.n for points in series.values() for point in points})
    unit = "accuracy (% of base B)" if relative else "accuracy (%)"
    shown = pd.DataFrame(
        [[name, *_line(points, counts)] for name, points in series.items()],
        columns=[f"{unit}, n =", *map(str, counts)],
    )
    level = (scale * base["mean"], scale * cells.standard_error(base))
    draw = partial(_draw, dict(series), level, title, f"number n of {layers} transferred", unit, notes)
    files.publish(description, file, pd.DataFrame(rows), shown, title, notes, draw)


def _series(record: Mapping[str, Any], names: Mapping[str, str]) -> str:
    control = cells.control(record)
    return cells.CONTROLS[control] if control else names.get(record["role"]["series"], record["role"]["series"])


def _line(points: Sequence[Point], counts: Sequence[int]) -> list[str]:
    by_n = {point.n: point for point in points}
    return [cells.percent(vars(by_n[n])) if n in by_n else "" for n in counts]


def _draw(
    series: Mapping[str, Sequence[Point]],
    base: tuple[float, float],
    title: str,
    x_label: str,
    y_label: str,
    notes: Sequence[str],
) -> Figure:
    """A line for each series; `base` is the base model's level and its standard error."""
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    level, error = base
    axes.axhspan(level - error, level + error, color="#eeeeee")
    axes.axhline(level, color="#777777", linestyle="--", linewidth=1, label="base B")
    for (name, points), colour in zip(series.items(), cycle(COLOURS), strict=False):
        points = sorted(points, key=lambda point: point.n)
        fine_tuned = name.endswith("+")
        axes.errorbar(
            [point.n for point in points],
            [point.mean for point in points],
            yerr=None if points[0].spread is None else [point.spread for point in points],
            color=colour,
            marker="o",
            markerfacecolor="white" if fine_tuned else colour,
            linestyle=":" if fine_tuned else "-",
            linewidth=1.4,
            markersize=5,
            capsize=3,
            label=name,
        )
    axes.set_title(title, fontsize=9, loc="left", wrap=True)
    axes.set_xlabel(x_label, fontsize=8)
    axes.set_ylabel(y_label, fontsize=8)
    axes.set_xticks(sorted({point.n for points in series.values() for point in points}))
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)
    files.caption(figure, notes)
    return figure
