"""`keyfilters moments`: moments and quality of every layer of one network, in one pass over its filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from keyfilters.analysis.coefficients import scale
from keyfilters.analysis.degeneration import entropy, sparsity
from keyfilters.analysis.duplicates import SAMPLE, sampling
from keyfilters.analysis.layers import measure
from keyfilters.analysis.moments import Moments
from keyfilters.analysis.stages.filter_sets import chosen, dimensions
from keyfilters.config.analysis import Analysis
from keyfilters.filters.store import Filters, Store
from keyfilters.store import artifacts

MOMENTS = "moments.safetensors"
LAYERS = "layers.parquet"
OF_STORE = ("layer", "kind", "conv_depth", "conv_depth_norm", "depth_by", "kh", "kw", "filters")


def moments(description: Mapping[str, Any], root: Path, threads: int | None = None) -> None:
    """Make the artifact of a `moments` job.

    `layers.parquet`: the layers of each `set` with what the store says of them, `sparsity` (6) and `entropy` (7);
    `depth_by`: what their depth follows from, as `filter_sets.with_depths` has it.
    `moments.safetensors`: of the scaled filters of each of the set's L layers, in the table's order,
    `<set>/count [L]`, `<set>/mean [L, d]` and `<set>/scatter [L, d, d]`, float64; and `<set>/sample [L, SAMPLE, d]`,
    some of them, by which networks with the same weights are found.
    """
    with artifacts.write(root, description) as draft:
        store = Store(root, {description["name"]: description["inputs"]["filters"]})
        table, arrays = measured(store, description["settings"], threads)
        table.to_parquet(draft.path / LAYERS, index=False)
        save_file(arrays, draft.path / MOMENTS)
        draft.facts.update(layers=len(table), filters=int(table["filters"].sum()))


def measured(
    filters: Filters, settings: Mapping[str, Any], threads: int | None = None
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The table and the arrays of the artifact, of filters of any store. Layers without filters are left out."""
    analysis = Analysis(sparse=settings["sparse"], sparse_share=settings["sparse_share"])
    tables, arrays = [], {}
    for name, layers, blocks in chosen(filters, settings):
        rows, scaled, samples = {}, [], {}
        sampled = sampling(blocks, layers["filters"], samples)
        for label, layer in measure(sampled, threads, layers.get("layer")):
            rows[label] = sparsity(layer.peaks, analysis), float(entropy(layer.raw.covariance))
            scaled.append(layer.scaled)
        degeneration = pd.DataFrame.from_dict(rows, orient="index", columns=["sparsity", "entropy"], dtype=float)
        table = layers.loc[list(rows)].reindex(columns=["model_id", *OF_STORE]).join(degeneration)
        table.insert(0, "set", pd.Series(name, table.index, "str"))
        tables.append(table)
        arrays |= stacked(name, scaled, dimensions(settings, name))
        shape = (len(scaled), SAMPLE, dimensions(settings, name))
        drawn = np.array([samples[label] for label in rows], np.float32).reshape(shape)
        arrays[f"{name}/sample"] = scale(drawn.reshape(-1, shape[-1])).reshape(shape).astype(np.float32)
    return pd.concat(tables), arrays


def stacked(name: str, moments: Sequence[Moments], dimensions: int) -> dict[str, np.ndarray]:
    """The moments of the layers of a set as arrays."""
    shape = (len(moments), dimensions)
    return {
        f"{name}/count": np.array([layer.count for layer in moments], np.int64),
        f"{name}/mean": np.array([layer.mean for layer in moments]).reshape(shape),
        f"{name}/scatter": np.array([layer.scatter for layer in moments]).reshape(*shape, dimensions),
    }


def unstacked(arrays: Mapping[str, np.ndarray], name: str) -> list[Moments]:
    """The moments of the layers of a set."""
    parts = (arrays[f"{name}/{part}"] for part in ("count", "mean", "scatter"))
    return [Moments(int(count), mean, scatter) for count, mean, scatter in zip(*parts, strict=True)]


def read(artifact: artifacts.Artifact) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The table of layers and the arrays of an artifact."""
    return pd.read_parquet(artifact.path / LAYERS), load_file(artifact.path / MOMENTS)
