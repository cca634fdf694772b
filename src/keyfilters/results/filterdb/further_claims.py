"""Claims of CNN Filter DB about classifiers, degeneration, tasks, training sets and depth, for `filterdb_claims`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from keyfilters.analysis.cluster_bootstrap import ClusterBootstrap
from keyfilters.analysis.groups import DECILE_NAMES
from keyfilters.results.drawing.filters import LOW_RESOLUTION, Tables
from keyfilters.results.filterdb.claim import MARGIN, Row

CLASSIFICATION, SEGMENTATION, OBJECTS, FACES = "classification", "segmentation", "object detection", "face detection"
SIMILAR = (CLASSIFICATION, SEGMENTATION, OBJECTS)
FIRST, LAST = DECILE_NAMES[:1], DECILE_NAMES[-1:]
OF_DEPTH = (
    (CLASSIFICATION, FIRST, DECILE_NAMES[1:-1], "the largest shifts of classifiers are in early vision"),
    (CLASSIFICATION, LAST, DECILE_NAMES[1:-1], "the largest shifts of classifiers are in deep layers"),
    (SEGMENTATION, DECILE_NAMES[5:], DECILE_NAMES[:5], "segmentation shows the most drift in deeper layers"),
    (OBJECTS, FIRST, DECILE_NAMES[1:], "object detection drifts in the first decile of depth alone"),
    (FACES, DECILE_NAMES[:4], DECILE_NAMES[4:], "face detection drifts in the first four deciles of depth"),
)
"""Of the networks for a task: where they drift more, and where less, as section 4.3 says."""


def of_layers(layers: pd.DataFrame, bootstrap: ClusterBootstrap) -> list[Row]:
    """Sparsity and entropy by depth, of classifiers, and of the low-resolution networks (section 4.1).

    `layers`: with their clusters as numbers from 0.
    """
    lowest, highest = _extremes_by_decile(layers, bootstrap)
    clusters = layers["cluster"].nunique()
    numbers = "the average sparsity varies between 9.9 % and 14 % with depth"
    classifiers = layers[layers["Task"] == CLASSIFICATION]
    is_low = classifiers["Name"].str.startswith(LOW_RESOLUTION, na=False)
    low, other = classifiers[is_low], classifiers[~is_low]
    halves = classifiers.assign(late=classifiers["depth_decile"].isin(DECILE_NAMES[5:]))
    halves = halves[halves["depth_decile"].notna()].pivot_table("entropy", ["model", "cluster"], "late").dropna()
    falls = np.array([]) if halves.empty else (halves[False] - halves[True]).to_numpy(float)
    of_network = halves.index.get_level_values("cluster").to_numpy(int)

    def less(one: pd.DataFrame, than: pd.DataFrame, quantity: str) -> np.ndarray:
        one_mean, other_mean = (
            bootstrap.mean(of[quantity].to_numpy(float), of["cluster"].to_numpy(int)) for of in (one, than)
        )
        return one_mean - other_mean

    fewest = min(low["cluster"].nunique(), other["cluster"].nunique())
    words = "overparameterisation leads to"
    return [
        Row(numbers, "least mean S of a decile", "number", 0.099, lowest, clusters),
        Row(numbers, "largest mean S of a decile", "number", 0.14, highest, clusters),
        Row(
            "entropy decreases with depth for every classifier",
            "mean over classifiers of H in their first half less that in their last",
            "above zero",
            None,
            bootstrap.mean(falls, of_network),
            len(set(of_network)),
        ),
        Row(
            f"{words} sparse filters",
            "mean S of low-resolution networks less that of other classifiers",
            "above zero",
            None,
            less(low, other, "sparsity"),
            fewest,
        ),
        Row(
            f"{words} non-diverse filters",
            "mean H of other classifiers less that of low-resolution networks",
            "above zero",
            None,
            less(other, low, "entropy"),
            fewest,
        ),
    ]


def _extremes_by_decile(layers: pd.DataFrame, bootstrap: ClusterBootstrap) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest mean sparsity of a depth decile, `[1 + samples]` of each."""
    means = []
    for decile in DECILE_NAMES:
        chosen = layers[layers["depth_decile"] == decile]
        if len(chosen):
            means.append(bootstrap.mean(chosen["sparsity"].to_numpy(float), chosen["cluster"].to_numpy(int)))
    return np.fmin.reduce(means), np.fmax.reduce(means)


class Pairs:
    """Pairs of independent networks: a row each with the drift `D`, and of both networks `cluster`, `Task` and
    `Training-Dataset`, with the endings `_one` and `_other`."""

    def __init__(self, rows: pd.DataFrame, bootstrap: ClusterBootstrap) -> None:
        self.rows, self.bootstrap = rows, bootstrap

    def mean(self, chosen: pd.Series, column: str = "D") -> np.ndarray:
        """The mean of a column of the chosen pairs: `[1 + samples]`."""
        rows = self.rows[chosen]
        clusters = (rows[f"cluster_{side}"].to_numpy(int) for side in ("one", "other"))
        return self.bootstrap.mean_of_pairs(rows[column].to_numpy(float), *clusters)

    def clusters(self, *choices: pd.Series) -> int:
        """Clusters of networks that each of the choices has at least."""
        sides = [self.rows.loc[chosen, ["cluster_one", "cluster_other"]] for chosen in choices]
        return min(len(np.unique(of)) for of in sides)

    def less(self, statement: str, measure: str, more: pd.Series, fewer: pd.Series) -> Row:
        """The claim that the mean of the first choice is larger than that of the second."""
        draws = self.mean(more) - self.mean(fewer)
        return Row(statement, measure, "above zero", None, draws, self.clusters(more, fewer))

    def has(self, tasks: Sequence[str]) -> tuple[pd.Series, pd.Series]:
        """Whether one network of each pair is for one of the tasks, and whether both are."""
        one, other = (self.rows[f"Task_{side}"].isin(tasks) for side in ("one", "other"))
        return one | other, one & other


def independent(pairs: pd.DataFrame, layers: pd.DataFrame) -> pd.DataFrame:
    """Of `pairs`, rows with the networks `one` and `other`, those of two clusters, as `Pairs` has them."""
    networks = layers.drop_duplicates("model").set_index("model")[["cluster", "Task", "Training-Dataset", "Name"]]
    for side in ("one", "other"):
        pairs = pairs.join(networks.add_suffix(f"_{side}"), on=side)
    return pairs[pairs["cluster_one"] != pairs["cluster_other"]].reset_index(drop=True)


def of_pairs(tables: Tables, layers: pd.DataFrame, bootstrap: ClusterBootstrap) -> list[Row]:
    """Drift between independent networks (sections 4.3 and 5)."""
    groups, drift = tables.drift("model")
    ablated_groups, ablated = tables.drift("model", "_ablated")
    one, other = np.triu_indices(len(groups), k=1)
    names = groups["group"].to_numpy()
    rows = pd.DataFrame({"one": names[one], "other": names[other], "D": drift[one, other]})
    without = pd.DataFrame(ablated, ablated_groups["group"], ablated_groups["group"]).reindex(names, columns=names)
    rows["without"] = without.to_numpy()[one, other]
    rows["change"] = rows["D"] - rows["without"]
    rows["excess"] = rows["D"] - 2 * rows["without"]
    pairs = Pairs(independent(rows, layers), bootstrap)
    rows = pairs.rows
    every = pd.Series(True, rows.index)
    kept = rows["without"].notna()
    margin = MARGIN * float(pairs.mean(every)[0])
    known = rows["Task_one"].notna() & rows["Task_other"].notna()
    two = known & (rows["Task_one"] != rows["Task_other"])
    _, both = pairs.has(SIMILAR)
    objects, _ = pairs.has([OBJECTS])
    classifiers, _ = pairs.has([CLASSIFICATION])
    sets = rows["Training-Dataset_one"].notna() & rows["Training-Dataset_other"].notna()
    same_set = sets & (rows["Training-Dataset_one"] == rows["Training-Dataset_other"])
    of_classifiers = two & classifiers & kept
    return [
        Row(
            "shifts are mostly independent of the training set",
            f"mean D between independent networks of two less that of one, margin {margin:.3f}",
            "no difference",
            None,
            pairs.mean(sets & ~same_set) - pairs.mean(same_set),
            pairs.clusters(same_set),
            margin,
        ),
        pairs.less(
            "classification, segmentation and object detection are quite similar",
            "mean D between networks of two other tasks less that between networks of two of these",
            two & ~both,
            two & both,
        ),
        pairs.less(
            "the smallest mean shift to other tasks is in object detection",
            "mean D between networks of two other tasks less that to networks for this one",
            two & ~objects,
            two & objects,
        ),
        pairs.less(
            "a slightly larger average shift for classification",
            "mean D to networks for it less that between networks of two other tasks",
            two & classifiers,
            two & ~classifiers,
        ),
        Row(
            "non-degenerated classifiers have a lower average shift",
            "mean D of classifiers to networks for other tasks less that without degenerated layers",
            "above zero",
            None,
            pairs.mean(of_classifiers, "change"),
            pairs.clusters(of_classifiers),
        ),
        Row(
            "most shifts are due to degeneration",
            "mean D less twice the mean D without degenerated layers",
            "above zero",
            None,
            pairs.mean(kept, "excess"),
            pairs.clusters(kept),
        ),
        Row(
            "no clear correlation between degeneration and shifts",
            f"mean D less that without degenerated layers, margin {margin:.3f}",
            "no difference",
            None,
            pairs.mean(kept, "change"),
            pairs.clusters(kept),
            margin,
        ),
    ]


def of_deciles(tables: Tables, layers: pd.DataFrame, bootstrap: ClusterBootstrap) -> list[Row]:
    """Drift between independent networks for one task by depth (Figure 9), without low-resolution networks."""
    rows = independent(tables.read("drift_by_decile.parquet").rename(columns={"drift": "D"}), layers)
    is_low = [rows[f"Name_{side}"].str.startswith(LOW_RESOLUTION, na=False) for side in ("one", "other")]
    pairs = Pairs(rows[~(is_low[0] | is_low[1])], bootstrap)
    claims = []
    for task, more, fewer, statement in OF_DEPTH:
        _, both = pairs.has([task])
        where = (both & pairs.rows["depth_decile"].isin(deciles) for deciles in (more, fewer))
        measure = f"mean D in {_range(more)} less that in {_range(fewer)}"
        claims.append(pairs.less(statement, measure, *where))
    return claims


def _range(deciles: Sequence[str]) -> str:
    """Adjacent deciles in one: from the beginning of the first to the end of the last."""
    return f"{deciles[0].split(',')[0]},{deciles[-1].split(',')[1]}"
