"""`keyfilters histograms`: coefficients of every layer of one network, counted in the study's bases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from keyfilters.analysis.basis import Bins
from keyfilters.analysis.coefficients import histograms_of_layers
from keyfilters.analysis.stages import basis as of_basis
from keyfilters.analysis.stages.filter_sets import chosen
from keyfilters.filters.store import Filters, Store
from keyfilters.store import artifacts

HISTOGRAMS = "histograms.safetensors"


def histograms(description: Mapping[str, Any], root: Path, threads: int | None = None) -> None:
    """Make the artifact of a `histograms` job.

    `histograms.safetensors`: int64 `<set>` `[L, d, bins + 1]`, a layer's counts in the order of the `moments` job's
    table; the last of a row are coefficients outside the range, which only networks have that do not define it.
    """
    with artifacts.write(root, description) as draft:
        store = Store(root, {description["name"]: description["inputs"]["filters"]})
        arrays = counted(store, of_basis.read(draft.inputs["basis"]), description["settings"], threads)
        save_file(arrays, draft.path / HISTOGRAMS)
        draft.facts.update(
            layers={name: len(counts) for name, counts in arrays.items()},
            outside={name: int(counts[..., -1].sum()) for name, counts in arrays.items()},
        )


def counted(
    filters: Filters, bins: Mapping[str, Bins], settings: Mapping[str, Any], threads: int | None = None
) -> dict[str, np.ndarray]:
    """The counts of filters of any store, of each set that has a basis."""
    arrays = {}
    for name, _, blocks in chosen(filters, settings):
        if name in bins:
            shape = (0, bins[name].basis.dimensions, len(bins[name].edges))
            labelled = histograms_of_layers(blocks, bins[name].basis, bins[name].edges, threads)
            layers = [counts for _, counts in labelled]
            arrays[name] = np.stack(layers) if layers else np.empty(shape, np.int64)
    return arrays


def read(artifact: artifacts.Artifact) -> dict[str, np.ndarray]:
    """The counts of each set."""
    return load_file(artifact.path / HISTOGRAMS)
