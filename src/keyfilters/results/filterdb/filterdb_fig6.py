"""The figure `filterdb_fig6`: drift along each principal component over all pairs of networks (Figure 6)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.results.drawing import box_plots, files, filters, palette


def filterdb_fig6(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig6.*` from the tables of a set of filters."""
    tables = filters.load(description, file.parents[1])
    pairs = tables.read("drift_components.parquet")
    components = [column for column in pairs if column.startswith("component_")]
    groups, _ = tables.drift("model")
    notes = [
        *tables.notes,
        *tables.left_out_of("model"),
        f"Drawn: {len(pairs):,} pairs of {len(groups)} networks with {groups['filters'].sum():,} filters; symmetric KL "
        f"(4) in nats, not weighted. {box_plots.NOTE}",
    ]
    title = "Figure 6: drift along each principal component, over all pairs of networks"
    shown = box_plots.summary({column.removeprefix("component_"): pairs[column] for column in components}, "Component")
    draw = partial(_draw, pairs[components], title, notes)
    files.publish(description, file, pairs, shown, title, notes, draw, numbers=filters.NUMBERS)


def _draw(values: pd.DataFrame, title: str, notes: list[str]) -> Figure:
    figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    axis.set_title(title)
    names = [column.removeprefix("component_") for column in values]
    box_plots.draw(axis, {name: values[column] for name, column in zip(names, values, strict=True)})
    printed = {number: mean for number, mean in filters.PAPER_MEAN_KL.items() if str(number) in names}
    star: dict[str, Any] = {"color": palette.BLACK, "markerfacecolor": palette.YELLOW, "markersize": 10}
    axis.plot([*printed], [*printed.values()], "*", label="the paper's mean, of its networks", **star)
    axis.legend(loc="upper right")
    axis.set_xlabel("principal component")
    axis.set_ylabel("symmetric KL (nats)")
    files.caption(figure, notes)
    return figure
