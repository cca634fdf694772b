"""The table `controls`: what filters are worth above random ones, above the identity and above the target's own, by
Table 2's cells (ours)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.analysis.effects import Effect
from keyfilters.results.differences import bounds, difference, excludes_zero, in_points
from keyfilters.results.drawing import cells
from keyfilters.results.drawing.arrows import Mark, arrow, mark
from keyfilters.results.drawing.cross import column_of
from keyfilters.results.drawing.table import Grid, publish

OWN = "own"
ABOVE = {"random": "random", "identity": "the identity", OWN: "its own"}
"""What the filters of a row are compared with, two controls and the target's selffer, and what the row calls it."""
ALL, BASE = "all sources", "base model"


def controls(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/controls.*` from `<results>/cells`: three rows a target, a column a source."""
    results = file.parents[1]
    every = cells.load(description, results)
    bases = {record["target"]["name"]: record for record in every if record["cell"].startswith("table7/")}
    of_table2 = [record for record in every if record["cell"].startswith("table2/")]
    by_pair = {(record["target"]["name"], column_of(record)): record for record in of_table2}
    targets = cells.by_size([record["target"] for record in of_table2])
    sources = cells.by_size([record["source"] for record in of_table2 if not cells.control(record)])
    others = [name for name in cells.controls(of_table2) if name != "identity"]
    columns = [*(source["name"] for source in sources), ALL, BASE, *others]
    rows, text, marks, names = [], [], [], []
    for target in (dataset["name"] for dataset in targets):
        filters = {column: [by_pair[target, column]] for column in (*(source["name"] for source in sources), *others)}
        filters |= {ALL: [by_pair[target, source["name"]] for source in sources]}
        filters |= {BASE: [bases[target]]} if target in bases else {}
        for control in ABOVE:
            reference = by_pair[target, target if control == OWN else control]
            compared = {name: records for name, records in filters.items() if records != [reference]}
            effects = {name: difference([(one, reference) for one in records]) for name, records in compared.items()}
            rows += [
                {"target": target, "filters": name, "above": control, **_measured(effects[name])}
                for name in columns
                if name in effects
            ]
            text.append([in_points(effects.get(name)) for name in columns])
            marks.append([_mark(effects.get(name)) for name in columns])
            names.append([compared[name][0]["cell"] if name in compared and name != ALL else None for name in columns])
    grid = Grid(
        corner="Target, above",
        columns=[
            *(source["title"] for source in sources),
            "All sources",
            "Base model",
            *(cells.CONTROLS[name] for name in others),
        ],
        rows=[f"{target['title']}, above {above}" for target in targets for above in ABOVE.values()],
        text=text,
        marks=marks,
        cells=names,
    )
    notes = [
        cells.basis(every, results.name, "differences of top-1"),
        "Ours: differences in points of accuracy with their 95 % intervals over seeds and test images, "
        "each by itself; green where the interval is above zero, red where it is below. With one seed there is none, "
        "and nothing is coloured. Above random: minus the accuracy of a network whose filters are its own as "
        "initialised, frozen. Above the identity: minus that of one whose filters are all the identity, which mixes no "
        "pixels. Above its own: minus that of one with frozen filters of the target itself. All sources: the mean over "
        "them. Base model: all filters trained (Table 7). Sets by descending number of training images.",
        *cells.on_controls(of_table2),
        cells.choices(every, "depthwise convolution"),
    ]
    title = "What filters are worth above random ones, the identity and the target's own (points of accuracy)"
    publish(description, file, pd.DataFrame(rows), grid, title, notes)


def _measured(effect: Effect | None) -> dict[str, Any]:
    low, high = bounds(effect)
    return {
        "difference": effect.mean if effect else None,
        "low": low,
        "high": high,
        "n": effect.seeds if effect else 0,
        "excludes_zero": excludes_zero(effect),
    }


def _mark(effect: Effect | None) -> Mark:
    return mark(arrow(effect.mean) if effect else "", excludes_zero(effect), bare=True)
