"""The figure `filterdb_fig4`: the first two coefficients against each other, by phenotype (Figure 4)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from keyfilters.analysis.basis import Basis
from keyfilters.analysis.coefficients import coefficients
from keyfilters.analysis.phenotypes import Phenotype, phenotype
from keyfilters.analysis.streaming import rounded
from keyfilters.config.analysis import FILTERS_OF
from keyfilters.filters.store import Store
from keyfilters.results.drawing import files, filters, palette
from keyfilters.results.drawing.style import STYLE, WIDTH

MIN_SHARE = 1e-5  # share of the fullest bin that has a colour
LETTERS = 26  # of a line of a name


@dataclass(frozen=True)
class Example:
    """A network, or one layer of it, of a phenotype; `rows` of the table of layers, `counts [bins, bins]` of the first
    coefficient by the second, and how many filters lie outside."""

    phenotype: Phenotype
    name: str
    rows: pd.DataFrame
    counts: np.ndarray
    outside: int

    @property
    def filters(self) -> int:
        return int(self.rows["filters"].sum())


def filterdb_fig4(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig4.*`: only the filters of the examples are read."""
    settings = description["settings"]
    tables = filters.load(description, file.parents[1])
    layers = tables.layers
    distributions = filters.distributions(description, root, layers)
    phenotypes = _phenotypes(layers, distributions, settings["min_filters"])
    edges = np.linspace(-settings["limit"], settings["limit"], settings["bins"] + 1)
    examples = [
        Example(kind, name, rows, *histogram(_blocks(description, root, rows), distributions.bins.basis, edges))
        for kind, name, rows in _examples(layers, phenotypes, settings["examples"])
    ]
    notes = [*tables.notes, *_notes(phenotypes, examples, settings)]
    title = "Figure 4: the first two coefficients against each other, by phenotype"
    draw = partial(_draw, examples, settings["limit"], title, notes)
    files.publish(description, file, _frame(examples, edges), _shown(examples), title, notes, draw, numbers="%.6g")


def _phenotypes(layers: pd.DataFrame, distributions: filters.Distributions, least: int) -> pd.DataFrame:
    """Phenotype of the first two components of every network, then of every layer, that has enough filters.

    A row for each: `of`, `network` or `layer`, `name`, `rows` of `layers`, `filters`, `phenotype`.
    """
    names = layers["model"] + " " + layers["layer"]
    zero, phenotypes = distributions.bins.basis.zero_filter[:2], []
    for of, labels in (("network", layers["model"]), ("layer", names)):
        for name, rows in layers.groupby(labels, sort=False).indices.items():
            counts, number = distributions.counts[rows, :2].sum(axis=0), int(layers["filters"].iloc[rows].sum())
            if number >= least and counts.any(axis=1).all():
                phenotypes.append((of, name, rows, number, phenotype(counts, distributions.bins.edges, zero)))
    return pd.DataFrame(phenotypes, columns=["of", "name", "rows", "filters", "phenotype"])


def _examples(
    layers: pd.DataFrame, phenotypes: pd.DataFrame, most: int
) -> Iterator[tuple[Phenotype, str, pd.DataFrame]]:
    """Of each phenotype the largest networks, and layers if there are not enough."""
    ordered = phenotypes.sort_values(["of", "filters", "name"], ascending=[False, False, True])
    for kind in get_args(Phenotype):
        for row in ordered[ordered["phenotype"] == kind].head(most).itertuples():
            yield kind, row.name, layers.iloc[row.rows]


def _blocks(description: Mapping[str, Any], root: Path, rows: pd.DataFrame) -> Iterable[np.ndarray]:
    """The filters of some layers of one network, from the store."""
    model = rows["model"].iloc[0]
    analysed = filters.read(description, root, model).description
    store = Store(root, {model: description["inputs"][f"{FILTERS_OF}{model}"]})
    chosen = store.layers.set_index("layer", drop=False).loc[rows["layer"]]
    return (block for _, block in rounded(store.blocks(chosen), analysed["settings"]["precision"]))


def histogram(blocks: Iterable[np.ndarray], basis: Basis, edges: np.ndarray) -> tuple[np.ndarray, int]:
    """Counts of the first two coefficients `[bins, bins]`, and how many filters lie outside."""
    counts, total = np.zeros((len(edges) - 1,) * 2, np.int64), 0
    for block in blocks:
        first, second = coefficients(block, basis)[:, :2].T
        counts += np.histogram2d(first, second, (edges, edges))[0].astype(np.int64)
        total += len(block)
    return counts, total - int(counts.sum())


def _notes(phenotypes: pd.DataFrame, examples: list[Example], settings: Mapping[str, Any]) -> Iterator[str]:
    for of, rows in phenotypes.groupby("of", sort=False):
        counted = rows["phenotype"].value_counts()
        kinds = ", ".join(f"{counted.get(kind, 0)} {kind}" for kind in get_args(Phenotype))
        yield f"Of {len(rows)} {of}s with enough filters: {kinds}."
    outside = sum(example.outside for example in examples)
    yield (
        "Phenotypes by the rule of `keyfilters.analysis.phenotypes` on the histograms of the first two components; "
        "drawn are the largest networks of each, and layers where there are too few. "
        f"{settings['bins']} x {settings['bins']} bins between -{settings['limit']} and {settings['limit']}, which "
        f"{outside:,} of {sum(example.filters for example in examples):,} filters are outside of; logarithmic, from "
        f"{MIN_SHARE:g} of the fullest bin."
    )


def _frame(examples: list[Example], edges: np.ndarray) -> pd.DataFrame:
    """A row per bin of an example that is not empty: its lower edges, and its count."""
    frames = [pd.DataFrame(columns=["example", "phenotype", "first_low", "second_low", "count"])]
    for number, example in enumerate(examples, start=1):
        first, second = example.counts.nonzero()
        columns = {"example": number, "phenotype": example.phenotype, "first_low": edges[first]}
        frames.append(pd.DataFrame(columns | {"second_low": edges[second], "count": example.counts[first, second]}))
    return pd.concat(frames[1:] or frames, ignore_index=True)


def _shown(examples: list[Example]) -> pd.DataFrame:
    rows = [
        [number, example.phenotype, example.name, f"{example.filters:,}"]
        for number, example in enumerate(examples, start=1)
    ]
    return pd.DataFrame(rows, columns=["Example", "Phenotype", "Network or layer", "Filters"])


def _draw(examples: list[Example], limit: float, title: str, notes: list[str]) -> Figure:
    columns = 4 if len(examples) > 6 else 3
    rows = -(-max(1, len(examples)) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(WIDTH, (0.85 * WIDTH / columns + 0.6) * rows + 0.6),
        layout="constrained",
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    files.heading(figure, title)
    for axis in axes.flat[len(examples) :]:
        axis.axis("off")
    for axis, example in zip(axes.flat, examples, strict=False):
        shares = example.counts.T / max(example.counts.max(), 1)
        norm = LogNorm(MIN_SHARE, 1, clip=False)
        extent = (-limit, limit, -limit, limit)
        seen = np.ma.masked_less(shares, MIN_SHARE)
        image = axis.imshow(seen, cmap=palette.COUNTS, norm=norm, origin="lower", extent=extent)
        axis.set_facecolor(palette.BLACK)
        name = "\n".join(textwrap.wrap(files.shortened(example.name, 2 * LETTERS - 8), LETTERS))
        axis.set_title(f"{example.phenotype}, {example.filters:,} filters\n{name}", fontsize=STYLE["font.size"])
    for axis in axes.flat[max(0, len(examples) - columns) : len(examples)]:  # none is below it
        axis.set_xlabel("first coefficient")
        axis.tick_params(labelbottom=True)
    for axis in axes[:, 0]:
        axis.set_ylabel("second coefficient")
    if examples:
        figure.colorbar(image, ax=axes, shrink=0.5, aspect=30, label="filters, as a share of the fullest bin")
    files.caption(figure, notes)
    return figure
