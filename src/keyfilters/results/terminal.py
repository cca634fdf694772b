"""What the subcommands `quality` and `drift` print for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.table import Table

from keyfilters.analysis.pairs import Pair
from keyfilters.analysis.quality import DEGENERATED
from keyfilters.analysis.randomness import PUBLISHED, Threshold, fitted

COLOURS = dict.fromkeys(DEGENERATED, "red") | {"too few": "dim", "regular": "green"}


def table(title: str, columns: Mapping[str, JustifyMethod]) -> Table:
    """A table with these headings, each with the side that its column stands on; the first gives way to the others."""
    rich_table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, (heading, side) in enumerate(columns.items()):
        rich_table.add_column(heading, justify=side, no_wrap=number > 0, overflow="fold", min_width=8 * (number == 0))
    return rich_table


def show_quality(name: str, layers: pd.DataFrame, console: Console) -> None:
    """A row per layer as `quality.quality` gives them, and the constants of the thresholds of randomness."""
    counted = ", ".join(f"{count} {verdict}" for verdict, count in layers["verdict"].value_counts().items())
    texts, numbers = ("layer", "kind", "kernel"), ("filters", "sparsity", "entropy", "T_H")
    per_layer = table(
        f"{name}: of {len(layers)} layers {counted}",
        dict.fromkeys(texts, "left") | dict.fromkeys(numbers, "right") | {"verdict": "left"},
    )
    for row in layers.itertuples():
        per_layer.add_row(
            escape(row.layer),
            row.kind if isinstance(row.kind, str) else "unknown",
            f"{row.kh}x{row.kw}",
            f"{row.filters:,}",
            *(f"{value:.3f}" for value in (row.sparsity, row.entropy, row.threshold)),
            f"[{COLOURS[row.verdict]}]{row.verdict}[/]",
        )
    console.print(per_layer)
    for height, width in sorted(set(zip(layers["kh"], layers["kw"], strict=True))):
        if height * width == PUBLISHED.dimensions:
            console.print(f"T_H, above which a layer is random, of 3x3 as published: {_constants(PUBLISHED)}")
        fit = fitted(height * width)
        console.print(f"T_H of {height}x{width} by our fit: {_constants(fit)}; off by {fit.deviation:.3f} at most")


def show_drift(networks: Sequence[str], pairs: Sequence[Pair], console: Console) -> None:
    """A table per set of filters, with a row per component and D."""
    for pair in pairs:
        counts = ", ".join(f"{name} {count:,}" for name, count in zip(networks, pair.filters, strict=True))
        headings = {"component": "right", "explained variance": "right", "KL, nats": "right"}
        per_component = table(f"{pair.set}: D = {pair.drift:.4g}; filters: {counts}", headings)
        for number, (weight, divergence) in enumerate(zip(pair.weights, pair.components, strict=True), start=1):
            per_component.add_row(str(number), f"{weight:.4f}", f"{divergence:.4g}")
        console.print(per_component)
        if any(pair.outside):
            outside = " and ".join(f"{count:,}" for count in pair.outside)
            console.print(f"Outside the range of the study's histograms, not counted: {outside} coefficients.")


def _constants(threshold: Threshold) -> str:
    return f"L {threshold.L:.2f}, x0 {threshold.x0:.2f}, k {threshold.k:.2f}, b {threshold.b:.2f}"
