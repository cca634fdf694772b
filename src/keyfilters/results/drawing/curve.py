"""Figures of accuracy against the number n of transferred layers."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.results.differences import Record
from keyfilters.results.drawing import cells, files, palette
from keyfilters.results.drawing.style import WIDTH

# Told apart without colours too.
MARKERS = {
    None: "o",
    "random": "s",
    "identity": "D",
    "norms": "^",
    "permuted": "v",
    "closed_forms": "P",
    "universal": "X",
}
POINTS: dict[str, Any] = {"marker": "o", "markersize": 5, "capsize": 2}
DODGE = 0.014  # of the axis of n, between the points of two series, so that their error bars are told apart
ENLARGED = 0.4  # of the axis: curves that lie within so little of it are drawn enlarged as well
BESIDE = 0.05  # of what is enlarged, above and below
LETTERS = 28  # of a line of the legend


@dataclass(frozen=True)
class Point:
    """An accuracy in the figure's unit, with its error bar: its deviation over the seeds, or, of one seed, its
    standard error by the test images."""

    n: int
    mean: float
    error: float


@dataclass(frozen=True)
class Curve:
    """Cells over n: the base model, which is n = 0 of every series, and the series by name, each in the order of n.

    `layers`: what n counts. `relative`: in percent of the base model's accuracy instead of percent of the test images.
    `printed`: what the paper prints at all layers, in the same unit.
    """

    title: str
    layers: str
    base: Record
    series: Mapping[str, Sequence[Record]]
    relative: bool
    printed: float | None = None

    @property
    def of(self) -> int:
        """All layers of the network."""
        return cells.layers(self.base)

    @property
    def unit(self) -> str:
        return "accuracy (% of base B)" if self.relative else "accuracy (%)"

    @property
    def records(self) -> list[Record]:
        return [self.base, *(record for records in self.series.values() for record in records)]

    @property
    def chance(self) -> float:
        """The accuracy of guessing, in the figure's unit."""
        return self._scale * 100 / self.base["target"]["classes"]

    @property
    def reach(self) -> tuple[float, float]:
        """The lowest and the highest end of an error bar; not of the control `identity`, which may fall far below."""
        points = [self.point(record) for record in self.records if cells.control(record) != "identity"]
        return min(point.mean - point.error for point in points), max(point.mean + point.error for point in points)

    @property
    def close(self) -> bool:
        """Whether all of it lies so close together that it is drawn enlarged as well."""
        low, high = self.reach
        return high - low < ENLARGED * high

    @property
    def counts(self) -> list[int]:
        return sorted({0, *(record["role"]["n"] for record in self.records[1:])})

    def point(self, record: Record) -> Point:
        error = cells.standard_error(record) if record["spread"] is None else record["spread"]
        n = 0 if record is self.base else record["role"]["n"]
        return Point(n, self._scale * record["mean"], self._scale * error)

    def text(self, record: Record) -> str:
        """`75.0`, or `75.0 ± 1.2` where the cell has more than one seed."""
        spread = record["spread"] and self._scale * record["spread"]
        return cells.percent({"mean": self._scale * record["mean"], "spread": spread})

    @property
    def frame(self) -> pd.DataFrame:
        """A row for the base model, then one for each n of each series."""
        named = [("base B", self.base), *((name, record) for name, series in self.series.items() for record in series)]
        return pd.DataFrame(
            {
                "series": name,
                "layers": self.point(record).n,
                **{key: record[key] for key in ("mean", "spread", "n")},
                "percent_of_base": 100 * record["mean"] / self.base["mean"],
            }
            for name, record in named
        )

    @property
    def note(self) -> str:
        return (
            f"n counts {self.layers} in order of execution, of {self.of}; n = 0 is base B, trained on "
            f"{self.base['target']['title']} with no layer transferred, {cells.percent(self.base)} %. Network: "
            f"{cells.network(self.base['role']['model'])}."
        )

    @property
    def _scale(self) -> float:
        return 100 / self.base["mean"] if self.relative else 1


def gather(
    records: Iterable[Record],
    title: str,
    layers: str,
    *,
    relative: bool,
    names: Mapping[str, str] | None = None,
    printed: float | None = None,
) -> Curve:
    """The curve of cells in any order; `names`: of series, where they are not as in the cells."""
    transferred = [record for record in records if "n" in record["role"]]
    base = next(record for record in records if "n" not in record["role"])
    series: dict[str, list[Record]] = {}
    for record in sorted(transferred, key=lambda record: record["role"]["n"]):
        series.setdefault(_series(record, names or {}), []).append(record)
    return Curve(title, layers, base, dict(sorted(series.items(), key=_rank)), relative, printed)


def curve(
    description: Mapping[str, Any], file: Path, panel: Callable[[Sequence[Record]], Curve], notes: Sequence[str]
) -> None:
    """Publish a figure of one curve, `panel` of the figure's cells."""
    drawn = panel(cells.load(description, file.parents[1]))
    records = drawn.records
    notes = [
        cells.basis(records, file.parents[1].name),
        cells.sampling(records),
        drawn.note,
        reading(records),
        *notes,
        cells.choices(records, "convolution", drawn.base["role"]["model"]),
        *cells.on_controls(records),
    ]
    rows = []
    for name, series in drawn.series.items():
        by_n = {0: drawn.base, **{record["role"]["n"]: record for record in series}}
        rows.append([name, *(drawn.text(by_n[n]) if n in by_n else "" for n in drawn.counts)])
    shown = pd.DataFrame(rows, columns=[f"{drawn.unit}, n =", *map(str, drawn.counts)])
    files.publish(description, file, drawn.frame, shown, drawn.title, notes, partial(panels, drawn, notes))


def reading(records: Sequence[Record]) -> str:
    """What error bars, lines and the axis of accuracy are."""
    one = "one standard error by the test images, since one seed has no spread"
    several = "one standard deviation over the seeds"
    meant = dict.fromkeys(one if record["spread"] is None else several for record in records)
    return (
        f"Error bars: {', or '.join(meant)}. Lines only join what was measured; the axis of accuracy begins at 0, but "
        "where curves that lie close together are enlarged."
    )


def draw(axes: plt.Axes, curve: Curve) -> None:
    """One curve; the axis of accuracy begins at 0, so that no difference looks larger than it is."""
    base = curve.point(curve.base)
    axes.axhline(base.mean, color=palette.GREY, linestyle="--", linewidth=0.8)
    axes.axhline(curve.chance, color=palette.GREY, linestyle=":", linewidth=0.8)
    of_axes: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "annotation_clip": True}  # no word outside them
    axes.annotate("chance", (0.99, curve.chance), ha="right", va="bottom", **of_axes)
    axes.errorbar(0, base.mean, yerr=base.error, label="base B", color=palette.BLACK, linestyle="", zorder=3, **POINTS)
    for position, (name, series) in enumerate(curve.series.items()):
        colour, trained_along = _colour(series[0]), name.endswith("+")
        shift = DODGE * curve.of * (position - (len(curve.series) - 1) / 2)
        points = [curve.point(record) for record in series]
        shifted, means = [point.n + shift for point in points], [point.mean for point in points]
        style = ":" if trained_along else "-"
        axes.plot([0, *shifted], [base.mean, *means], color=colour, linewidth=1, linestyle=style)
        axes.errorbar(
            shifted,
            means,
            yerr=[point.error for point in points],
            color=colour,
            linestyle="",
            label=name,
            **POINTS | {"marker": MARKERS[cells.control(series[0])]},
            markerfacecolor=palette.WHITE if trained_along else colour,
        )
    if curve.printed is not None:
        star: dict[str, Any] = {"color": palette.BLACK, "markerfacecolor": "none", "markersize": 12, "zorder": 4}
        axes.plot(curve.of, curve.printed, "*", label="the paper, all layers", **star)
    axes.set_xlabel(f"n of {curve.of} {curve.layers} transferred")
    axes.set_xticks(sorted({*curve.counts, curve.of}))
    axes.set_xlim(-0.04 * curve.of, (1.03 + DODGE * len(curve.series) / 2) * curve.of)
    axes.set_ylim(0, None)
    axes.grid(axis="y")


def draw_enlarged(axes: plt.Axes, curve: Curve) -> None:
    """One curve; the axis of accuracy is no larger than it reaches."""
    draw(axes, curve)
    low, high = curve.reach
    beside = BESIDE * (high - low)
    axes.set_ylim(low - beside, high + beside)


def legend(axes: Sequence[plt.Axes]) -> None:
    """What is drawn in any of them, beside the last."""
    labelled: dict[str, Any] = {}
    for each in axes:
        handles, labels = each.get_legend_handles_labels()
        labelled |= dict(zip(labels, handles, strict=True))
    labels = [textwrap.fill(label, LETTERS) for label in labelled]
    axes[-1].legend(labelled.values(), labels, loc="upper left", bbox_to_anchor=(1, 1))


def panels(curve: Curve, notes: Sequence[str]) -> Figure:
    """The curve; where all of it lies close together, below it the same enlarged."""
    count = 2 if curve.close else 1
    figure, axes = plt.subplots(count, 1, figsize=(WIDTH, 3.6 * count), layout="constrained", squeeze=False)
    whole, *enlarged = axes[:, 0]
    draw(whole, curve)
    whole.set_title(curve.title)
    legend([whole])
    for panel in enlarged:
        draw_enlarged(panel, curve)
        panel.set_title("The same, enlarged")
    for panel in axes[:, 0]:
        panel.set_ylabel(curve.unit)
    files.caption(figure, notes)
    return figure


def _series(record: Record, names: Mapping[str, str]) -> str:
    control = cells.control(record)
    return cells.CONTROLS[control] if control else names.get(record["role"]["series"], record["role"]["series"])


def _rank(named: tuple[str, Sequence[Record]]) -> tuple[int, str]:
    """The paper's series by name, then the controls in their order."""
    name, (record, *_) = named
    rank = cells.rank(record)
    return rank, "" if rank else name


def _colour(record: Record) -> str:
    control = cells.control(record)
    if control:
        return palette.CONTROLS[control]
    return palette.OWN if record["source"]["name"] == record["target"]["name"] else palette.DISTANT
