"""`keyfilters filterdb`: tables of quality and drift of one set of filters, which the figures of CNN Filter DB draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keyfilters.analysis.basis import Bins
from keyfilters.analysis.drift import distributions, pairwise_drift, pairwise_kl
from keyfilters.analysis.groups import GROUPINGS, Groups, clusters, depth_decile, gather, merged_tasks
from keyfilters.analysis.phenotypes import phenotype
from keyfilters.analysis.quality import DEGENERATED, Quality, judged
from keyfilters.analysis.stages import basis, histograms
from keyfilters.analysis.stages import moments as of_moments
from keyfilters.analysis.stages.filter_sets import BY_FILE, counted_once
from keyfilters.analysis.stages.layers import MODELS
from keyfilters.config.analysis import VERDICTS, Analysis, FilterSet
from keyfilters.errors import KeyfiltersError
from keyfilters.store import artifacts, records
from keyfilters.store.files import write_text
from keyfilters.store.identity import key_of

OF_NETWORK = [column for column in GROUPINGS.values() if column not in ("model", "depth_decile")] + ["Package"]


def filterdb(description: Mapping[str, Any], root: Path, record: Path) -> None:
    """Make the tables of a `filterdb` job beside `record`, which is written last.

    `layers.csv`: every layer of the networks that count, with its quality, what is known of its network, and the
    `cluster` of networks that are not independent of each other (`groups.clusters`). `same_weights.csv`: the networks
    that do not count since another has their weights. `drift_<grouping>.csv`: D (5) between the groups of a grouping,
    a row and a column per group, with its numbers of models, clusters and filters and the phenotype of its first two
    components; `_ablated`: without degenerated layers (section 5). `ablation.csv`: the mean D of
    each grouping with and without them, over the pairs of groups that are in both. `drift_components.parquet`:
    symmetric KL (4) along each component between all pairs of models (Figure 6). `drift_by_decile.parquet`: D
    between all pairs of models by depth decile (Figure 9).
    Groups that are too small are in none of them; the record names them.

    Raises KeyfiltersError if the study has no filters of the set.
    """
    name, settings = description["name"], description["settings"]
    least = FilterSet(min_filters=settings["min_filters"], min_models=settings["min_models"])
    analysis = Analysis(**{key: settings[key] for key in ("floor", "epsilon", *VERDICTS)})
    inputs = {role: artifacts.read(root, folder) for role, folder in description["inputs"].items()}
    bins = basis.read(inputs.pop("basis")).get(name)
    if bins is None:
        raise KeyfiltersError(f"no network has filters of the set {name}; take it out of `analysis.sets`")
    layers, same = _layers(name, inputs.pop("layers"), settings, analysis)
    counts = [histograms.read(inputs[model])[name] for model in layers["model"].unique()]
    drifts, left_out = _drifts(layers, np.concatenate(counts)[..., :-1], bins, analysis, least)
    tables = {"layers.csv": layers, "same_weights.csv": pd.DataFrame(same.items(), columns=["model", "same_as"])}
    files = [_write(table, record.with_name(file)) for file, table in (tables | drifts).items()]
    content = {"title": f"Filters of the set {name}", "notes": _notes(layers, same, least), "left_out": left_out}
    records.record(record, key_of(description), content, files)


def _layers(
    name: str, merged: artifacts.Artifact, settings: Mapping[str, Any], analysis: Analysis
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The layers of a set with their quality, the depth decile, and what groups networks, of the networks that count;
    and those that have the weights of one of them."""
    table, arrays = of_moments.read(merged)
    table = table[table["set"] == name].drop(columns="set").reset_index(drop=True)
    filters, samples = table["filters"].to_numpy(), arrays[f"{name}/sample"]
    kept, same = counted_once(table["model"].tolist(), filters, samples, settings, name)
    table = table[table["model"].isin(kept)].reset_index(drop=True)
    models = pd.read_parquet(merged.path / MODELS).set_index("model")
    known = models.reindex(columns=[*OF_NETWORK]).loc[kept]
    known["cluster"] = clusters(known)
    judged_by = ["filters", "kh", "kw", "sparsity", "entropy"]
    quality = [
        asdict(judged(filters, kh * kw, sparsity, entropy, analysis))
        for filters, kh, kw, sparsity, entropy in table[judged_by].itertuples(index=False)
    ]
    table[list(Quality.__annotations__)] = pd.DataFrame(quality, columns=list(Quality.__annotations__))
    table["depth_decile"] = depth_decile(table["conv_depth_norm"])
    return table.join(known.assign(Task=merged_tasks(known["Task"])), on="model"), same


def _drifts(
    layers: pd.DataFrame, counts: np.ndarray, bins: Bins, analysis: Analysis, least: FilterSet
) -> tuple[dict[str, pd.DataFrame], dict[str, list[str]]]:
    """Every table of drift by its file, and the groups that each leaves out."""
    whole = ~layers["verdict"].isin(DEGENERATED).to_numpy()
    tables, left_out, ablation = {}, {}, []
    for grouping, column in GROUPINGS.items():
        matrices = []
        for suffix, rows in (("", np.ones_like(whole)), ("_ablated", whole)):
            groups = gather(layers[rows], layers.loc[rows, column], counts[rows], least)
            file = f"drift_{grouping}{suffix}.csv"
            tables[file], left_out[file] = _matrix(groups, bins, analysis), groups.left_out["group"].tolist()
            matrices.append(tables[file].set_index("group"))
            if file == "drift_model.csv":
                tables["drift_components.parquet"] = _pairs(groups, pairwise_kl(_shares(groups, bins, analysis)))
        ablation.append({"grouping": grouping, **_means(*matrices)})
    tables["drift_by_decile.parquet"] = _by_decile(layers, counts, bins, analysis, least)
    tables["ablation.csv"] = pd.DataFrame(ablation)
    return tables, left_out


def _shares(groups: Groups, bins: Bins, analysis: Analysis) -> np.ndarray:
    return distributions(groups.counts, bins.width, analysis)


def _matrix(groups: Groups, bins: Bins, analysis: Analysis) -> pd.DataFrame:
    drift = pairwise_drift(_shares(groups, bins, analysis), bins.basis.ratios)
    zero = bins.basis.zero_filter[:2]
    phenotypes = [phenotype(counts[:2], bins.edges, zero) for counts in groups.counts]
    table = groups.table.assign(phenotype=pd.Series(phenotypes, dtype="str"))
    return table.join(pd.DataFrame(drift, columns=table["group"].tolist()))


def _pairs(groups: Groups, divergences: np.ndarray) -> pd.DataFrame:
    """A row per pair of groups, a column per component, from `[N, N, d]`."""
    names, (one, other) = groups.table["group"].to_numpy(), np.triu_indices(len(groups.table), k=1)
    columns = [f"component_{number}" for number in range(1, divergences.shape[-1] + 1)]
    table = pd.DataFrame(divergences[one, other], columns=columns)
    table.insert(0, "other", names[other])
    table.insert(0, "one", names[one])
    return table


def _by_decile(
    layers: pd.DataFrame, counts: np.ndarray, bins: Bins, analysis: Analysis, least: FilterSet
) -> pd.DataFrame:
    tables = []
    for decile in layers["depth_decile"].cat.categories:
        rows = (layers["depth_decile"] == decile).to_numpy()
        groups = gather(layers[rows], layers.loc[rows, "model"], counts[rows], least)
        drift = pairwise_drift(_shares(groups, bins, analysis), bins.basis.ratios)
        pairs = _pairs(groups, drift[..., None]).rename(columns={"component_1": "drift"})
        tables.append(pairs.assign(depth_decile=decile))
    return pd.concat(tables, ignore_index=True)


def _means(whole: pd.DataFrame, ablated: pd.DataFrame) -> dict[str, Any]:
    """The mean D over pairs of groups that are in both matrices; null if there is no pair."""
    common = [group for group in whole.index if group in ablated.index]
    pairs = len(common) * (len(common) - 1) // 2
    upper = np.triu_indices(len(common), k=1)
    means = [matrix.loc[common, common].to_numpy()[upper].mean() if pairs else None for matrix in (whole, ablated)]
    return {"groups": len(common), "pairs": pairs, "mean_drift": means[0], "mean_drift_ablated": means[1]}


def _notes(layers: pd.DataFrame, same: Mapping[str, str], least: FilterSet) -> list[str]:
    degenerated = layers["verdict"].isin(DEGENERATED)
    networks = f"{least.min_models} network{'s' if least.min_models > 1 else ''}"
    by_file = layers[layers["depth_by"] == BY_FILE]
    return [
        f"{layers['filters'].sum():,} filters of {len(layers):,} layers of {layers['model'].nunique()} networks, "
        f"{layers['cluster'].nunique()} of which are independent: no two of one package or family; "
        f"{degenerated.sum():,} layers with {layers.loc[degenerated, 'filters'].sum():,} filters are degenerated.",
        f"{len(same)} more networks have the weights of one of these in another package or precision and do not count.",
        f"The depth of {len(by_file):,} layers of {by_file['model'].nunique()} networks is their order in the file, "
        "which tells no other.",
        f"Least size of a group: {least.min_filters:,} filters, {networks}.",
    ]


def _write(table: pd.DataFrame, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        write_text(path, table.to_csv(index=False, float_format="%.6g"))
    return path
