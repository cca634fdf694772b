"""What the figures of filters have in common: the tables that they draw, and what they say of their groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keyfilters.analysis.basis import Bins
from keyfilters.analysis.groups import DECILE_NAMES
from keyfilters.analysis.moments import Moments
from keyfilters.analysis.stages import basis, histograms
from keyfilters.analysis.stages import moments as of_moments
from keyfilters.errors import KeyfiltersError
from keyfilters.store import artifacts, records

OF_GROUP = ("group", "models", "clusters", "filters", "phenotype")
NAMED = 12  # groups that a note names; of more, it gives the number
GROUPINGS = {
    "model": "network",
    "task": "task",
    "visual_category": "visual category",
    "training_set": "training set",
    "family": "family",
    "precision": "precision",
    "depth_decile": "depth decile",
}
"""What people call the groupings of `analysis.groups`."""

PAPER = {
    "task": (
        *("classification", "segmentation", "object detection", "face detection", "depth estimation"),
        *("gan-generator", "gan-discriminator"),
    ),
    "visual_category": (
        *("natural", "medical ct", "medical mri", "seismic", "astronomy", "fractals", "handwriting", "textures"),
        "plants",
    ),
}
"""Groups that the text of the paper names, by grouping."""

PAPER_MEAN_KL = {1: 0.90, 6: 0.78, 3: 0.69, 2: 0.58}
"""Mean symmetric KL (4) over all pairs of networks by component, in nats, as the text of the paper prints it."""

LOW_RESOLUTION = "lowres_"
"""What the families of the low-resolution networks begin with, which the paper calls overparameterised."""

NUMBERS = "%.6g"  # of divergences, which span magnitudes


@dataclass(frozen=True)
class Tables:
    """The tables of a `filterdb` job: their `folder`, `notes` on what they rest on, and the groups that each leaves
    out."""

    folder: Path
    notes: list[str]
    left_out: Mapping[str, list[str]]

    def read(self, file: str) -> pd.DataFrame:
        """One of the tables, as the `filterdb` job describes them."""
        path = self.folder / file
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)

    @property
    def layers(self) -> pd.DataFrame:
        """The layers, with their depth deciles in order."""
        table = self.read("layers.csv")
        return table.assign(depth_decile=pd.Categorical(table["depth_decile"], DECILE_NAMES, ordered=True))

    def drift(self, grouping: str, suffix: str = "") -> tuple[pd.DataFrame, np.ndarray]:
        """The groups of a grouping, with the columns `OF_GROUP`, and D (5) between them `[N, N]`."""
        table = self.read(f"drift_{grouping}{suffix}.csv")
        return table[[*OF_GROUP]], table.drop(columns=[*OF_GROUP]).to_numpy(float)

    def left_out_of(self, *groupings: str) -> list[str]:
        """A sentence that names the groups with too few filters, if there are any."""
        small = {grouping: self.left_out[f"drift_{grouping}.csv"] for grouping in groupings}
        named = [f"{GROUPINGS[grouping]}: {listed(names)}" for grouping, names in small.items() if names]
        return [f"Left out, for too few filters: {'; '.join(named)}."] if named else []

    def without_depth(self) -> list[str]:
        """A sentence that says how many layers are in no depth decile, if any."""
        layers = self.layers
        unknown = layers[layers["depth_decile"].isna()]
        if unknown.empty:
            return []
        counted = f"{len(unknown):,} layers of {unknown['model'].nunique()} networks"
        return [
            f"In no depth decile, since their files tell no order: {counted} with {unknown['filters'].sum():,} filters."
        ]

    def missing(self, *groupings: str) -> list[str]:
        """A sentence that names the groups that the paper's text speaks of and these tables have not, if any."""
        named = []
        for grouping in groupings:
            here = [*self.drift(grouping)[0]["group"], *self.left_out[f"drift_{grouping}.csv"]]
            lacking = sorted(set(PAPER[grouping]) - {group.lower() for group in here}, key=PAPER[grouping].index)
            named += [f"{GROUPINGS[grouping]}: {', '.join(lacking)}"] if lacking else []
        return [f"Groups that the paper speaks of and that are not here: {'; '.join(named)}."] if named else []


def load(description: Mapping[str, Any], results: Path, name: str | None = None) -> Tables:
    """The tables that a figure's job names, below `results`: of the set `name`, if it names those of several.

    Raises KeyfiltersError if they are missing, or made from other settings than the job's.
    """
    folder = description["inputs"][f"filterdb/{name}" if name else f"{description['stage']}/filterdb"]
    record = results / "filterdb" / (name or description["settings"]["set"]) / "tables.json"
    if not records.is_fresh(record, folder.rpartition("-")[2]):
        raise KeyfiltersError(f"{record}: not there, or made from other settings; run `snakemake filterdb`")
    properties = records.load(record)
    first, *others = properties["notes"]
    return Tables(record.parent, [f"Study `{results.name}`: {first}", *others], properties["left_out"])


def listed(names: Sequence[str]) -> str:
    """Names in one phrase; of many, the first of them."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def labels(groups: pd.DataFrame) -> list[str]:
    """Groups with their numbers of networks, and of independent ones among them, in brackets."""
    rows = groups[["group", "models", "clusters"]].itertuples(index=False)
    return [f"{group} ({models}/{clusters})" for group, models, clusters in rows]


@dataclass(frozen=True)
class Distributions:
    """What the artifacts of a set of filters keep of each layer, in the order of `Tables.layers`.

    `bins`: basis and edges; `counts` `[L, d, bins]` within the range; `moments` of the scaled filters, by layer.
    """

    bins: Bins
    counts: np.ndarray
    moments: list[Moments]


def distributions(description: Mapping[str, Any], root: Path, layers: pd.DataFrame) -> Distributions:
    """Histograms and moments of `layers`, from the artifacts that a figure's job names.

    Raises KeyfiltersError if one of them is missing or damaged, or if all layers together have too few filters.
    """
    name, least = (description["settings"][key] for key in ("set", "min_filters"))
    if layers["filters"].sum() < least:
        raise KeyfiltersError(
            f"the set {name} has {layers['filters'].sum():,} filters, less than a group needs; leave the figure out or "
            f"lower analysis.sets.{name}.min_filters from {least:,}"
        )
    bins = basis.read(read(description, root, "basis"))[name]
    counts = [histograms.read(read(description, root, model))[name] for model in layers["model"].unique()]
    table, arrays = of_moments.read(read(description, root, "layers"))
    kept = table.loc[table["set"] == name, "model"].isin(layers["model"])
    moments = [of_layer for of_layer, counts in zip(of_moments.unstacked(arrays, name), kept, strict=True) if counts]
    return Distributions(bins, np.concatenate(counts)[..., :-1], moments)


def read(description: Mapping[str, Any], root: Path, role: str) -> artifacts.Artifact:
    """The artifact that a figure's job names by this role."""
    return artifacts.read(root, description["inputs"][f"{description['stage']}/{role}"])
