"""The figure `fig2`: Figures 2a, 2b and 2c on one axis (Figure 2 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.results.drawing import cells, files
from keyfilters.results.drawing.curve import Curve, draw, draw_enlarged, legend, reading
from keyfilters.results.drawing.style import WIDTH
from keyfilters.results.master_key import fig2a, fig2b, fig2c

PANELS = {"fig2a": fig2a, "fig2b": fig2b, "fig2c": fig2c}


def fig2(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/figures/fig2.*` from the cells of those of the three figures that the study makes."""
    results = file.parents[1]
    of_panel: dict[str, list[dict[str, Any]]] = {}
    for record in cells.load(description, results):
        of_panel.setdefault(record["cell"].partition("/")[0], []).append(record)
    drawn = {name: module.panel(of_panel[name]) for name, module in PANELS.items() if name in of_panel}
    records = [record for panel in drawn.values() for record in panel.records]
    notes = [
        cells.basis(records, results.name),
        "Relative to base B, trained with no layer transferred, which is n = 0: as in the paper, since the networks "
        "differ in what they reach. One axis for all, so that their drops can be compared.",
        reading(records),
        "n counts layers in order of execution.",
        *(f"{name[-1]}: {_network(panel)} {PANELS[name].NOTE}" for name, panel in drawn.items()),
        *cells.on_controls(records),
    ]
    frame = pd.concat([panel.frame.assign(figure=name) for name, panel in drawn.items()])
    frame = frame[["figure", *frame.columns.drop("figure")]]
    title = "Figure 2: first n layers transferred from A to B, in a plain network, a ResNet and a ConvNeXt"
    draws = partial(_draw, list(drawn.values()), title, notes)
    files.publish(description, file, frame, _shown(drawn), title, notes, draws)


def _network(panel: Curve) -> str:
    model = panel.base["role"]["model"]
    return (
        f"{cells.network(model)}, base B {cells.percent(panel.base)} % on {panel.base['target']['title']}; "
        f"{cells.chosen(panel.records, 'convolution', model)} (our choice)."
    )


def _shown(drawn: Mapping[str, Curve]) -> pd.DataFrame:
    """A row for each figure and n, a column for each series."""
    rows = []
    for name, panel in drawn.items():
        for n in panel.counts:
            row = {"Figure": name[-2:], "n": f"{n} of {panel.of}"}
            for series, records in panel.series.items():
                here = [record for record in records if record["role"]["n"] == n] if n else [panel.base]
                row[f"{series} (% of base B)"] = panel.text(here[0]) if here else ""
            rows.append(row)
    return pd.DataFrame(rows).fillna("")


def _draw(drawn: Sequence[Curve], title: str, notes: Sequence[str]) -> Figure:
    """The panels beside each other; below them, enlarged, those with several curves that lie close together."""
    named = {panel.title.partition(": ")[0].removeprefix("Figure "): panel for panel in drawn}
    close = {f"{name}, enlarged": panel for name, panel in named.items() if panel.close and len(panel.series) > 1}
    rows = [[*named], *([name] * len(named) for name in close)]
    size = min(WIDTH, 3.5 + 3 * len(named)), 0.4 + 3.4 * len(rows)
    figure, axes = plt.subplot_mosaic(rows, figsize=size, layout="constrained")
    first, *others = (axes[name] for name in named)
    for axis in others:
        axis.sharey(first)
        axis.tick_params(labelleft=False)
    for name, panel in named.items():
        draw(axes[name], panel)
    for name, panel in close.items():
        draw_enlarged(axes[name], panel)
        axes[name].set_ylabel(panel.unit)
    for name, axis in axes.items():
        axis.set_title(name)
    first.set_ylabel(drawn[0].unit)
    legend([axes[name] for name in named])
    files.heading(figure, title)
    files.caption(figure, notes)
    return figure
