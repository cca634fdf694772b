"""The figure `filterdb_zoo`: what `compare-zoo` reads of the networks of a study, and an image of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keyfilters.analysis.moments import merge
from keyfilters.analysis.zoo_comparison import KNOWN, PERCENTILES, Zoo, as_content, bands, described
from keyfilters.config.analysis import Analysis
from keyfilters.results.drawing import files, filters, zoo


def filterdb_zoo(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_zoo.*` from the histograms and moments of a set of filters.

    The CSV has the bands by depth decile; `.parquet` a row for each network: what is known of it, `same_weights` (other
    networks with its weights), `cluster` (that of networks it is not independent of), what
    `zoo_comparison.described` says of it, and `counts [d * bins]`, its histograms. The record has the basis and edges.
    """
    settings = description["settings"]
    tables = filters.load(description, file.parents[1])
    layers = tables.layers
    distributions = filters.distributions(description, root, layers)
    same = tables.read("same_weights.csv").groupby("same_as")["model"].agg(", ".join)
    rows, counts = [], []
    for model, of_model in layers.assign(position=np.arange(len(layers))).groupby("model", sort=False):
        moments = merge(
            (distributions.moments[row] for row in of_model["position"]), distributions.bins.basis.dimensions
        )
        known = of_model.iloc[0]
        rows.append(
            {
                "network": model,
                "same_weights": same.get(model),
                **{name: None if pd.isna(known[column]) else known[column] for column, name in KNOWN.items()},
                "cluster": int(known["cluster"]),
                **described(of_model, moments, distributions.bins.basis),
            }
        )
        counts.append(distributions.counts[of_model["position"]].sum(axis=0))
    networks = pd.DataFrame(rows)
    data = Zoo(
        file.parents[1].name, settings["set"], Analysis(), distributions.bins, bands(layers), networks, np.array(counts)
    )
    notes = [
        *tables.notes,
        f"Bands: median, quartiles, 5 and 95 % of the layers of a depth decile, each counting once; entropy is without "
        f"the {(layers['verdict'] == 'too few').sum():,} layers that have too few filters to judge it by. A dot: the "
        "mean of a network's first two coefficients in the basis of all.",
        "`keyfilters compare-zoo FILE` shows where a network of one's own lies.",
    ]
    title = "Sparsity and entropy by depth, and the networks in the basis of all their filters"
    shown = data.bands.assign(**{f"p{of}": data.bands[f"p{of}"].map("{:.3f}".format) for of in PERCENTILES})
    shown.columns = [
        "Quantity",
        "Depth decile",
        "Layers",
        "Networks",
        "Independent",
        *(f"{of} %" for of in PERCENTILES),
    ]
    files.publish(
        description,
        file,
        data.bands,
        shown,
        title,
        notes,
        partial(zoo.zoo_figure, data, title, notes),
        numbers=filters.NUMBERS,
        data=networks.assign(counts=[each.ravel().astype(np.int32) for each in counts]),
        more={"zoo": as_content(settings, distributions.bins)},
    )
