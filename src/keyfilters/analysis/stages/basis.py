"""`keyfilters basis`: the basis of each set of filters and the bins of its histograms, for a whole study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from keyfilters.analysis.basis import Basis, Bins, fit
from keyfilters.analysis.coefficients import bounds, edges, extremes
from keyfilters.analysis.moments import merge
from keyfilters.analysis.stages import moments as of_moments
from keyfilters.analysis.stages.filter_sets import chosen, counted_once, dimensions
from keyfilters.config.analysis import FILTERS_OF
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.store import Store
from keyfilters.store import artifacts

BASES = "bases.safetensors"


def basis(description: Mapping[str, Any], root: Path, threads: int | None = None) -> None:
    """Make the artifact of a `basis` job: merge the moments of its networks; `range: observed` reads their filters.

    `bases.safetensors`: `<set>/count`, `<set>/mean [d]`, `<set>/components [d, d]`, `<set>/variances [d]`,
    `<set>/edges [bins + 1]`. A set without any filter is not there; without any set there is no artifact.
    Networks with the same weights count once; the facts name the others.

    Raises KeyfiltersError then.
    """
    settings, arrays = description["settings"], {}
    with artifacts.write(root, description) as draft:
        measured = {role: artifact for role, artifact in draft.inputs.items() if not role.startswith(FILTERS_OF)}
        moments = {model: of_moments.read(artifact)[1] for model, artifact in measured.items()}
        bases, kept, same = {}, {}, {}
        for name in settings["sets"]:
            kept[name], same[name] = _counted_once(moments, settings, name)
            layers = [layer for model in kept[name] for layer in of_moments.unstacked(moments[model], name)]
            merged = merge(layers, dimensions(settings, name))
            if merged.count:
                bases[name] = fit(merged)
        if not bases:
            raise KeyfiltersError(f"no network has filters of any of analysis.sets, {', '.join(settings['sets'])}")
        for name, limits in _ranges(bases, kept, description, root, threads).items():
            arrays |= _as_arrays(name, Bins(bases[name], edges(*limits, settings["bins"])))
        save_file(arrays, draft.path / BASES)
        draft.facts.update(
            filters={name: bases[name].count for name in bases},
            networks={name: len(kept[name]) for name in bases},
            same_weights={name: same[name] for name in bases},
        )


def _counted_once(
    moments: Mapping[str, Mapping[str, np.ndarray]], settings: Mapping[str, Any], name: str
) -> tuple[list[str], dict[str, str]]:
    counts = [arrays[f"{name}/count"] for arrays in moments.values()]
    models = [model for model, layers in zip(moments, counts, strict=True) for _ in layers]
    samples = np.concatenate([arrays[f"{name}/sample"] for arrays in moments.values()])
    return counted_once(models, np.concatenate(counts), samples, settings, name)


def _ranges(
    bases: Mapping[str, Basis],
    kept: Mapping[str, list[str]],
    description: Mapping[str, Any],
    root: Path,
    threads: int | None,
) -> dict[str, tuple[float, float]]:
    """The range of each set's histograms: of the coefficients, or of what they cannot leave."""
    settings = description["settings"]
    if settings["range"] == "bounded":
        return {name: bounds(basis) for name, basis in bases.items()}
    folders = {
        role.removeprefix(FILTERS_OF): folder
        for role, folder in description["inputs"].items()
        if role.startswith(FILTERS_OF)
    }
    sets = chosen(Store(root, folders), settings, kept)
    return {
        name: extremes((block for _, block in blocks), bases[name], threads)
        for name, _, blocks in sets
        if name in bases
    }


def _as_arrays(name: str, bins: Bins) -> dict[str, np.ndarray]:
    basis = bins.basis
    arrays = {
        "count": np.array([basis.count]),
        "mean": basis.mean,
        "components": basis.components,
        "variances": basis.variances,
        "edges": bins.edges,
    }
    return {f"{name}/{part}": np.ascontiguousarray(array) for part, array in arrays.items()}


def read(artifact: artifacts.Artifact) -> dict[str, Bins]:
    """The basis and the bins of each set that has filters."""
    arrays = load_file(artifact.path / BASES)
    bins = {}
    for name in dict.fromkeys(key.partition("/")[0] for key in arrays):
        count, *parts = (arrays[f"{name}/{part}"] for part in ("count", "mean", "components", "variances"))
        bins[name] = Bins(Basis(int(count[0]), *parts), arrays[f"{name}/edges"])
    return bins
