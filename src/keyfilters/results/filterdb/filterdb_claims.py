"""`filterdb_claims`: the numbers and the claims of the text of CNN Filter DB, beside those of the study's networks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keyfilters.analysis.cluster_bootstrap import ClusterBootstrap, interval
from keyfilters.analysis.groups import DECILE_NAMES
from keyfilters.results.drawing import files, filters
from keyfilters.results.drawing.arrows import DOWN, SAME, UP, Mark
from keyfilters.results.drawing.table import Grid, draw
from keyfilters.results.filterdb import further_claims
from keyfilters.results.filterdb.claim import MARGIN, MIN_CLUSTERS, RULES, Row

MARKS = {"inside": UP, "supported": UP, "outside": DOWN, "contradicted": DOWN}
PAPER_SIZES = {
    "filters": 1_464_797_156,
    "layers": 21_436,
    "networks": 647,
    "tasks": 11,
    "training sets": 71,
    "visual categories": 16,
}
COLUMNS = ["Paper", "Ours", "95 % interval", "Independent networks", "Verdict"]


def filterdb_claims(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/tables/filterdb_claims.*` from the tables of a set of filters."""
    settings = description["settings"]
    tables = filters.load(description, file.parents[1])
    layers = tables.layers
    codes, names = pd.factorize(layers["cluster"])
    layers = layers.assign(cluster=codes)
    bootstrap = ClusterBootstrap(len(names), settings["samples"])
    rows = [
        *of_layers(layers, bootstrap),
        *further_claims.of_layers(layers, bootstrap),
        *of_pairs(tables, layers, bootstrap),
        *further_claims.of_pairs(tables, layers, bootstrap),
        *further_claims.of_deciles(tables, layers, bootstrap),
    ]
    frame = pd.DataFrame([_as_row(row) for row in rows])
    grid = Grid(
        corner="What the paper says",
        columns=COLUMNS,
        rows=[f"{row.statement}: {row.measure}" for row in rows],
        text=[_text(row) for row in rows],
        marks=[[Mark()] * (len(COLUMNS) - 1) + [MARKS.get(row.verdict, SAME)] for row in rows],
    )
    notes = [
        *tables.notes,
        "Rules, the same for every study: " + "; ".join(f"{name}: {rule}" for name, rule in RULES.items()) + ".",
        f"Intervals: clusters of networks of one package or family drawn anew {settings['samples']:,} times, never "
        f"filters or layers; a verdict needs {MIN_CLUSTERS} clusters. Each interval stands by itself, without a "
        "correction for their number.",
        f"The paper's data base and this one: {_sizes(layers)}.",
        "Not judged here, for want of such networks: GAN discriminators, medical and fractal images, robust training, "
        "reproducibility; since an interval of extremes says little: outliers and whiskers (sections 4.1, 4.2); since "
        "the tables have no histograms that could be drawn anew: drift between depth deciles (Figure 8d), bases of "
        "groups. Intervals say nothing of how the paper's own networks were chosen.",
    ]
    title = "Numbers and claims of the paper's text, beside those of this study's networks"
    shown = pd.DataFrame(
        [[name, *line] for name, line in zip(grid.rows, grid.text, strict=True)], columns=[grid.corner, *COLUMNS]
    )
    files.publish(
        description, file, frame, shown, title, notes, partial(draw, grid, title, notes), numbers=filters.NUMBERS
    )


def of_layers(layers: pd.DataFrame, bootstrap: ClusterBootstrap) -> list[Row]:
    """Sparsity and entropy (section 4.1) over all layers, each counting once as there, and by depth."""
    first, last = (layers["depth_decile"] == DECILE_NAMES[decile] for decile in (0, -1))
    late = layers["depth_decile"].isin(DECILE_NAMES[-2:])
    known = layers["depth_decile"].notna()

    def mean(values: pd.Series, chosen: pd.Series) -> np.ndarray:
        return bootstrap.mean(values[chosen].to_numpy(float), layers.loc[chosen, "cluster"].to_numpy())

    def row(statement: str, measure: str, rule: str, paper: float | None, draws: np.ndarray, *of: pd.Series) -> Row:
        clusters = min(layers.loc[chosen, "cluster"].nunique() for chosen in of)
        return Row(statement, measure, rule, paper, draws, clusters)

    every = pd.Series(True, layers.index)
    sparse, entropy = layers["sparsity"], layers["entropy"]
    numbers = (
        ("the average sparsity S over all layers is 0.12", "mean S", 0.12, sparse, every),
        ("only 56.5 % of the layers hold S < 0.01", "share of layers", 0.565, sparse < 0.01, every),
        ("9.9 % even show S > 0.5", "share of layers", 0.099, sparse > 0.5, every),
        ("the average entropy H is 0.69 over all layers", "mean H", 0.69, entropy, every),
        ("H decreases from an average of 0.75", "mean H of the first decile of depth", 0.75, entropy, first),
        ("to 0.5 with depth", "mean H of the last decile of depth", 0.5, entropy, last),
    )
    falls, late_sparse = "H continuously decreases with depth", "the largest sparsity is in the last 20 % of the depth"
    return [
        *(row(text, of, "number", paper, mean(values, chosen), chosen) for text, of, paper, values, chosen in numbers),
        row(
            falls,
            "mean H of the first decile less that of the last",
            "above zero",
            None,
            mean(entropy, first) - mean(entropy, last),
            first,
            last,
        ),
        row(
            late_sparse,
            "mean S there less that of the rest",
            "above zero",
            None,
            mean(sparse, late) - mean(sparse, known & ~late),
            late,
            known & ~late,
        ),
    ]


def of_pairs(tables: filters.Tables, layers: pd.DataFrame, bootstrap: ClusterBootstrap) -> list[Row]:
    """Drift between networks (sections 4.2 and 4.3)."""
    networks = layers.drop_duplicates("model").set_index("model")[["cluster", "Name", "Task", "Visual Category"]]
    along = tables.read("drift_components.parquet")
    groups, drift = tables.drift("model")
    index_of = pd.Series(np.arange(len(groups)), groups["group"])
    along["D"] = drift[along["one"].map(index_of).to_numpy(int), along["other"].map(index_of).to_numpy(int)]
    one, other = (networks.loc[along[side]].reset_index(drop=True) for side in ("one", "other"))
    independent = (one["cluster"] != other["cluster"]).to_numpy()

    def mean(column: str, chosen: np.ndarray) -> np.ndarray:
        sides = (of.loc[chosen, "cluster"].to_numpy(int) for of in (one, other))
        return bootstrap.mean_of_pairs(along.loc[chosen, column].to_numpy(float), *sides)

    def clusters(chosen: np.ndarray) -> int:
        return len({*one.loc[chosen, "cluster"], *other.loc[chosen, "cluster"]})

    every = np.ones(len(along), bool)
    components = [column for column in along if column.startswith("component_")]
    by_component = {column: mean(column, every) for column in components}
    rows = [
        Row(
            text,
            f"mean symmetric KL along component {number}",
            "number",
            filters.PAPER_MEAN_KL[number],
            by_component[column],
            clusters(every),
        )
        for text, number in (
            ("the biggest mean drift is in the first component, 0.90", 1),
            ("followed by the sixth, 0.78", 6),
            ("the third, 0.69", 3),
            ("the second, 0.58", 2),
        )
        if (column := f"component_{number}") in by_component
    ]
    largest = np.max([draws for column, draws in by_component.items() if column != "component_1"], axis=0)
    rows.append(
        Row(
            "the biggest mean drift is in the first component",
            "mean KL along it less the largest of the others",
            "above zero",
            None,
            by_component["component_1"] - largest,
            clusters(every),
        )
    )
    family = ((one["Name"] == other["Name"]) & (one["Task"] == other["Task"])).to_numpy()
    rows.append(
        Row(
            "shifts inside a family of architectures for one task are very low",
            "mean D between independent networks less that inside a family",
            "above zero",
            None,
            mean("D", independent) - mean("D", family),
            clusters(family),
        )
    )
    margin = MARGIN * float(mean("D", independent)[0])
    for column, words in (("Task", "task"), ("Visual Category", "target image distribution")):
        both = independent & one[column].notna().to_numpy() & other[column].notna().to_numpy()
        same = both & (one[column] == other[column]).to_numpy()
        rows.append(
            Row(
                f"shifts are mostly independent of the {words}",
                f"mean D between independent networks of two less that of one, margin {margin:.3f}",
                "no difference",
                None,
                mean("D", both & ~same) - mean("D", same),
                clusters(same),
                margin,
            )
        )
    return rows


def _sizes(layers: pd.DataFrame) -> str:
    """How much the paper has (section 3.1), and how much there is here."""
    ours = {"filters": layers["filters"].sum(), "layers": len(layers)}
    columns = {"networks": "model", "tasks": "Task", "training sets": "Training-Dataset"}
    columns |= {"visual categories": "Visual Category"}
    ours |= {words: layers[column].nunique() for words, column in columns.items()}
    return ", ".join(f"{PAPER_SIZES[words]:,} and {count:,} {words}" for words, count in ours.items())


def _as_row(row: Row) -> dict[str, Any]:
    low, high = interval(row.draws) or ("", "")
    return {
        "statement": row.statement,
        "measure": row.measure,
        "rule": row.rule,
        "paper": "" if row.paper is None else row.paper,
        "ours": row.draws[0] if np.isfinite(row.draws[0]) else "",
        "low": low,
        "high": high,
        "clusters": row.clusters,
        "verdict": row.verdict,
    }


def _text(row: Row) -> list[str]:
    bounds = interval(row.draws)
    ours = f"{row.draws[0]:.3f}" if np.isfinite(row.draws[0]) else "none"
    within = f"{bounds[0]:.3f} to {bounds[1]:.3f}" if bounds else ""
    return ["" if row.paper is None else f"{row.paper:g}", ours, within, str(row.clusters), row.verdict]
