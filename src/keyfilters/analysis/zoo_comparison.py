"""Where a network lies among those of a study, by what the study's `filterdb_zoo` keeps of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keyfilters.analysis.basis import Basis, Bins
from keyfilters.analysis.chance import Comparison
from keyfilters.analysis.drift import distributions, drift
from keyfilters.analysis.groups import DECILE_NAMES, depth_decile
from keyfilters.analysis.moments import Moments, merge
from keyfilters.analysis.pairs import histograms
from keyfilters.analysis.quality import DEGENERATED, Quality, judged
from keyfilters.analysis.stages import moments as of_moments
from keyfilters.config.analysis import VERDICTS, Analysis, FilterSet, filters_of
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.store import Filters
from keyfilters.store import records

RECORD = "figures/filterdb_zoo.json"  # below a study's results
QUANTITIES = ("sparsity", "entropy")
PERCENTILES = (5, 25, 50, 75, 95)
RANKED = (*QUANTITIES, "degenerated")
BAND_NAMES = ("below 5 %", "lower quarter", "middle half", "upper quarter", "above 95 %")
DRAWS = 20  # of the drift by chance
OF_ANALYSIS = ("precision", "floor", "epsilon", "sparse", "sparse_share", *VERDICTS)
KNOWN = {
    "Task": "task",
    "Visual Category": "visual_category",
    "Training-Dataset": "training_set",
    "Name": "family",
    "Precision": "precision",
}
"""Columns of the tables of drift by what they are called here."""


@dataclass(frozen=True)
class Zoo:
    """The networks of a study, and what a network is compared with.

    `networks`: a row for each of N networks, as `described` gives it, with what is known of it and `same_weights`,
    other names of these weights; `counts [N, d, bins]`: its histograms; `bands`: as `bands` gives them.
    """

    study: str
    set: str
    analysis: Analysis
    bins: Bins
    bands: pd.DataFrame
    networks: pd.DataFrame
    counts: np.ndarray


@dataclass(frozen=True)
class Position:
    """A network among those of a zoo.

    `layers`: its layers of the zoo's set with their quality, `depth_decile`, and in which of `BAND_NAMES` of its
    decile each lies, `sparsity_band` and `entropy_band`, null where the zoo has no such layer or the entropy cannot
    be judged. `network`: as `described` gives it. `ranks`: of each of `RANKED`, the share of the zoo's networks that
    have less, those with as much counting half. `outside`: coefficients outside the range of the zoo's histograms.
    `nearest`: the zoo's networks with the least `drift` D (5), and what D is `by_chance`, if the filters of both are
    dealt to two groups of the same sizes.
    """

    layers: pd.DataFrame
    network: dict[str, Any]
    ranks: dict[str, float]
    outside: int
    nearest: pd.DataFrame


def bands(layers: pd.DataFrame) -> pd.DataFrame:
    """Percentiles of sparsity and entropy by depth decile: a row for each that has layers, with the numbers of these
    `layers`, of `networks` and of independent ones, `clusters`.

    Each layer counts once, as in the paper; entropy is that of layers with filters enough to judge it.
    """
    rows = []
    for quantity in QUANTITIES:
        chosen = layers[_is_judged(layers, quantity)]
        for decile in DECILE_NAMES:
            of_decile = chosen[chosen["depth_decile"] == decile]
            if len(of_decile):
                numbers = {"layers": len(of_decile), "networks": of_decile["model"].nunique()}
                numbers["clusters"] = of_decile["cluster"].nunique()
                values = np.percentile(of_decile[quantity], PERCENTILES)
                percentiles = {f"p{of}": value for of, value in zip(PERCENTILES, values, strict=True)}
                rows.append({"quantity": quantity, "depth_decile": decile, **numbers, **percentiles})
    return pd.DataFrame(rows)


def described(layers: pd.DataFrame, moments: Moments, basis: Basis) -> dict[str, Any]:
    """A network by its `layers` with their quality, and by the `moments` of its scaled filters.

    Its `layers` and `filters`; `degenerated`: the share of its layers that are; mean `sparsity` and `entropy`, and by
    depth decile, `sparsity_by_decile [10]` and `entropy_by_decile [10]`, NaN without layers; its coordinates in the
    basis: the `mean [d]` of its coefficients and their `deviation [d]`.
    """
    projected = basis.components @ moments.covariance @ basis.components.T
    numbers = {
        "layers": len(layers),
        "filters": int(layers["filters"].sum()),
        "degenerated": float(layers["verdict"].isin(DEGENERATED).mean()),
    }
    for quantity in QUANTITIES:
        chosen = layers[_is_judged(layers, quantity)]
        by_decile = chosen.groupby("depth_decile", observed=True)[quantity].mean()
        numbers[quantity] = float(chosen[quantity].mean())
        numbers[f"{quantity}_by_decile"] = by_decile.reindex(DECILE_NAMES).to_numpy(np.float32)
    return numbers | {
        "mean": basis.components @ (moments.mean - basis.mean),
        "deviation": np.sqrt(np.diagonal(projected).clip(min=0)),
    }


def as_content(settings: Mapping[str, Any], bins: Bins) -> dict[str, Any]:
    """What the record of `filterdb_zoo` says of its set of filters, as JSON types: settings and basis."""
    basis = {"count": bins.basis.count}
    basis |= {part: getattr(bins.basis, part).tolist() for part in ("mean", "components", "variances")}
    chosen = {key: settings[key] for key in ("set", "sets", *OF_ANALYSIS)}
    return {"settings": chosen, "basis": basis, "edges": bins.edges.tolist()}


def load(results: Path) -> Zoo:
    """The zoo that the folder of a study's results has.

    Raises KeyfiltersError if there is none, or its files are not as they were made.
    """
    record = results / RECORD
    again = f"run `snakemake --cores all filterdb_zoo --config study={results.name}`"
    try:
        content = records.load(record)
    except FileNotFoundError:
        raise KeyfiltersError(f"{record}: not there, so no networks to compare with; {again}") from None
    except (OSError, ValueError):
        raise KeyfiltersError(f"{record}: cannot be read; {again}") from None
    if not records.is_fresh(record, content.get("key", "")):
        raise KeyfiltersError(f"{record}: it or a file beside it is not as it was made; {again}")
    settings, basis = content["zoo"]["settings"], content["zoo"]["basis"]
    name = settings["set"]
    kernel, kinds = (settings["sets"][name][key] for key in ("kernel", "kinds"))
    chosen = {name: FilterSet(kernel=kernel, kinds=kinds)}
    analysis = Analysis(sets=chosen, **{key: settings[key] for key in OF_ANALYSIS})
    parts = (np.array(basis[part]) for part in ("mean", "components", "variances"))
    bins = Bins(Basis(basis["count"], *parts), np.array(content["zoo"]["edges"]))
    networks = pd.read_parquet(record.with_suffix(".parquet"))
    counts = np.stack(networks.pop("counts")).reshape(len(networks), bins.basis.dimensions, len(bins.edges) - 1)
    return Zoo(results.name, name, analysis, bins, pd.read_csv(record.with_suffix(".csv")), networks, counts)


def compare(filters: Filters, zoo: Zoo, nearest: int) -> Position:
    """Where one network's filters lie in the zoo, with as many of the `nearest` networks.

    Raises KeyfiltersError if it has no filters of the zoo's set, or none within the range of the zoo's histograms.
    """
    settings = filters_of(zoo.analysis) | zoo.analysis.model_dump(include={"sparse", "sparse_share"})
    layers, arrays = of_moments.measured(filters, settings)
    if not layers["filters"].sum():
        chosen = zoo.analysis.sets[zoo.set]
        kernel, kinds = "x".join(map(str, chosen.kernel)), " or ".join(chosen.kinds)
        raise KeyfiltersError(f"no {kernel} filters of {kinds} convolutions, so nothing to compare with {zoo.study}")
    layers = _with_bands(_with_quality(layers.reset_index(drop=True), zoo.analysis), zoo.bands)
    dimensions = zoo.bins.basis.dimensions
    moments = merge(of_moments.unstacked(arrays, zoo.set), dimensions)
    network = described(layers, moments, zoo.bins.basis)
    ranks = {name: rank(zoo.networks[name].to_numpy(float), network[name]) for name in RANKED}
    counts = histograms(filters, {zoo.set: zoo.bins}, zoo.analysis)[zoo.set]
    return Position(layers, network, ranks, int(counts[:, -1].sum()), _nearest(counts[:, :-1], zoo, nearest))


def as_json(name: str, position: Position, zoo: Zoo) -> dict[str, Any]:
    """What `compare` gives of the network `name`, as JSON types."""
    layers = ["layer", "kind", "filters", "depth_decile", "sparsity", "entropy", "verdict"]
    layers += [f"{quantity}_band" for quantity in QUANTITIES]
    nearest = ["network", "same_weights", *KNOWN.values(), "filters", "drift", "by_chance"]
    tables = {"layers": position.layers[layers], "nearest": position.nearest[nearest]}
    numbers = pd.DataFrame([position.network | {"outside": position.outside, "ranks": position.ranks}])
    tables_of_rows = {
        part: json.loads(table.to_json(orient="records", double_precision=15)) for part, table in tables.items()
    }
    network = json.loads(numbers.to_json(orient="records", double_precision=15))[0]
    return {"model": name, "study": zoo.study, "set": zoo.set, "network": network, **tables_of_rows}


def rank(values: np.ndarray, value: float) -> float:
    """The share of the values that are smaller, of equal ones half; NaN is no value, and has no rank."""
    known = values[np.isfinite(values)]
    if not len(known) or not np.isfinite(value):
        return float("nan")
    return float(((known < value).mean() + (known <= value).mean()) / 2)


def _nearest(counts: np.ndarray, zoo: Zoo, number: int) -> pd.DataFrame:
    width, ratios = zoo.bins.width, zoo.bins.basis.ratios
    own = distributions(counts, width, zoo.analysis)
    rows = np.flatnonzero(zoo.counts.sum(axis=-1).all(axis=-1))
    drifts = drift(own, distributions(zoo.counts[rows], width, zoo.analysis), ratios)
    order = np.argsort(drifts, kind="stable")[:number]
    by_chance = Comparison(zoo.bins, zoo.analysis, DRAWS)
    chance = [by_chance(counts, zoo.counts[row]).chance for row in rows[order]]
    return zoo.networks.iloc[rows[order]].assign(drift=drifts[order], by_chance=chance).reset_index(drop=True)


def _with_quality(layers: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    quality = [
        asdict(judged(row.filters, row.kh * row.kw, row.sparsity, row.entropy, analysis)) for row in layers.itertuples()
    ]
    layers = layers.assign(depth_decile=depth_decile(layers["conv_depth_norm"]))
    return layers.assign(**pd.DataFrame(quality, columns=list(Quality.__annotations__)))


def _with_bands(layers: pd.DataFrame, bands: pd.DataFrame) -> pd.DataFrame:
    """The layers with the names of their bands."""
    for quantity in QUANTITIES:
        of_decile = bands[bands["quantity"] == quantity].set_index("depth_decile")
        names = [
            _band(value, of_decile.loc[decile, [f"p{of}" for of in PERCENTILES]].to_numpy(float))
            if is_judged and decile in of_decile.index
            else None
            for value, decile, is_judged in zip(
                layers[quantity], layers["depth_decile"], _is_judged(layers, quantity), strict=True
            )
        ]
        layers[f"{quantity}_band"] = pd.Series(names, layers.index, dtype="str")
    return layers


def _band(value: float, percentiles: np.ndarray) -> str:
    """Which of `BAND_NAMES` a value has; on a boundary the one nearer to the middle."""
    lowest, lower, _, upper, highest = percentiles
    if lower <= value <= upper:
        return BAND_NAMES[2]
    if value < lower:
        return BAND_NAMES[0 if value < lowest else 1]
    return BAND_NAMES[4 if value > highest else 3]


def _is_judged(layers: pd.DataFrame, quantity: str) -> pd.Series:
    """Whether the quantity of each layer says something: entropy does from some filters on."""
    return (layers["verdict"] != "too few") | (quantity != "entropy")
