"""What the subcommand `compare-zoo` prints for people."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.markup import escape

from keyfilters.analysis.groups import DECILE_NAMES
from keyfilters.analysis.zoo_comparison import BAND_NAMES, QUANTITIES, Position, Zoo
from keyfilters.results.drawing.files import shortened
from keyfilters.results.terminal import COLOURS, table

SHOWN = 20  # layers that lie outside the bands
TEXT = 16  # letters of a task or a training set
RANKS = {"sparsity": "mean sparsity", "entropy": "mean entropy", "degenerated": "share of degenerated layers"}


def show_position(name: str, position: Position, zoo: Zoo, console: Console) -> None:
    """Its numbers beside those of the zoo's networks, its layers by depth, its coordinates, its nearest networks."""
    network, layers = position.network, position.layers
    console.print(f"[bold]{escape(name)}[/]: {network['layers']} layers of {zoo.set}, {network['filters']:,} filters")
    for quantity, words in RANKS.items():
        if np.isfinite(position.ranks[quantity]):
            rank = f"at {position.ranks[quantity]:.0%} of the {len(zoo.networks)} networks of {zoo.study}"
            console.print(f"{words} {network[quantity]:.3f}, {rank} in ascending order")
    if position.outside:
        console.print(f"Outside the range of the zoo's histograms, not counted: {position.outside:,} coefficients.")
    _show_depths(layers, zoo, console)
    _show_outside(layers, console)
    _show_coordinates(network, zoo, console)
    _show_nearest(position, console)


def _show_depths(layers, zoo: Zoo, console: Console) -> None:
    title = f"Mean sparsity S and entropy H by depth, and the median (5 to 95 %) of the layers of {zoo.study}"
    headings = ("depth", "layers", "S", "S of the zoo", "H", "H of the zoo")
    rich_table = table(title, dict.fromkeys(headings, "right"))
    bands = zoo.bands.set_index(["quantity", "depth_decile"])
    for decile in DECILE_NAMES:
        own = layers[layers["depth_decile"] == decile]
        cells = []
        for quantity in QUANTITIES:
            judged = own if quantity == "sparsity" else own[own["verdict"] != "too few"]
            cells.append(f"{judged[quantity].mean():.3f}" if len(judged) else "")
            known = (quantity, decile) in bands.index
            band = bands.loc[(quantity, decile)] if known else None
            cells.append(_range(band["p50"], band["p5"], band["p95"]) if known else "")
        rich_table.add_row(escape(decile), str(len(own)), *cells)
    console.print(rich_table)


def _show_outside(layers, console: Console) -> None:
    columns = [f"{quantity}_band" for quantity in QUANTITIES]
    chosen = layers[layers[columns].isin([BAND_NAMES[0], BAND_NAMES[-1]]).any(axis=1)]
    if chosen.empty:
        console.print("Every layer lies within the 5 to 95 % of its decile.")
        return
    headings = {"layer": "left", "depth": "left", "S": "right", "": "left", "H": "right", " ": "left"}
    title = f"{len(chosen)} of {len(layers)} layers lie outside the 5 to 95 % of their decile"
    rich_table = table(title, headings | {"verdict": "left"})
    for row in chosen.head(SHOWN).itertuples():
        cells = []
        for quantity in QUANTITIES:
            band = getattr(row, f"{quantity}_band")
            outside = band in (BAND_NAMES[0], BAND_NAMES[-1])
            cells += [f"{getattr(row, quantity):.3f}", band if outside else ""]
        rich_table.add_row(
            escape(row.layer), escape(row.depth_decile), *cells, f"[{COLOURS[row.verdict]}]{row.verdict}[/]"
        )
    console.print(rich_table)
    if len(chosen) > SHOWN:
        console.print(f"and {len(chosen) - SHOWN} more; --json has all")


def _show_coordinates(network, zoo: Zoo, console: Console) -> None:
    title = f"Its coefficients in the basis of {zoo.study}, and the median (5 to 95 %) of the networks there"
    headings = ("component", "mean", "means there", "deviation", "deviations there")
    rich_table = table(title, dict.fromkeys(headings, "right"))
    of_zoo = {part: np.percentile(np.stack(zoo.networks[part]), (50, 5, 95), axis=0) for part in ("mean", "deviation")}
    for component, ratio in enumerate(zoo.bins.basis.ratios):
        cells = [f"{component + 1} ({ratio:.1%})"]
        for part, (middle, low, high) in of_zoo.items():
            cells.append(f"{network[part][component]:.3f}")
            cells.append(_range(middle[component], low[component], high[component]))
        rich_table.add_row(*cells)
    console.print(rich_table)


def _show_nearest(position: Position, console: Console) -> None:
    headings = {"network": "left", "task": "left", "trained on": "left"}
    headings |= dict.fromkeys(("filters", "D", "by chance"), "right")
    rich_table = table("Nearest networks by drift D, with what D is by chance for so many filters", headings)
    for row in position.nearest.itertuples():
        cells = [
            escape(shortened(text, TEXT)) if isinstance(text, str) else "" for text in (row.task, row.training_set)
        ]
        numbers = f"{row.filters:,}", f"{row.drift:.4f}", f"{row.by_chance:.4f}"
        rich_table.add_row(escape(row.network), *cells, *numbers)
    console.print(rich_table)
    for row in position.nearest.itertuples():
        if isinstance(row.same_weights, str):
            console.print(f"{row.network} has the weights of {row.same_weights} too.")


def _range(middle: float, low: float, high: float) -> str:
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"
