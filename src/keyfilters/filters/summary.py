"""`keyfilters filters`: the tables of a study's store, and what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.errors import KeyfiltersError
from keyfilters.filters.extract import CONTACT_SHEET, summary
from keyfilters.filters.store import Store, choose
from keyfilters.store import artifacts, records
from keyfilters.store.files import write_text
from keyfilters.store.identity import Job, key_of
from keyfilters.zoo.table import models as table_of_models

NOTES = (
    "Filters 3x3: those that count in CNN Filter DB's figures, depthwise and grouped ones too; convolutions that are "
    "transposed or of unknown kind are not among them.",
    "All filters: of all sizes and kinds.",
)


def tables(description: Mapping[str, Any], root: Path, record: Path) -> None:
    """Make the tables of a `filters` job beside `record`, which is written last: `models.parquet` and `layers.parquet`
    with the columns of CNN Filter DB's meta table, `summary.csv` of each model, `summary.md` of each kind of task.

    Raises KeyfiltersError that lists the networks that were refused, unless the study allows them.
    """
    store = Store(root, description["inputs"])
    if store.refused and not description["settings"]["allow_refused"]:
        lines = "; ".join(f"{model}: {reason}" for model, reason in store.refused.items())
        raise KeyfiltersError(
            f"{len(store.refused)} of {len(description['inputs'])} networks were refused, the others are in the store: "
            f"{lines}; leave them out, or set `zoo.allow_refused`"
        )
    if not description["inputs"]:
        raise KeyfiltersError("the study keeps no filters; name networks in its section `zoo`")
    folder = record.parent
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("models.parquet", "layers.parquet", "summary.csv", "summary.md")]
    store.models.to_parquet(files[0])
    with_filter_ids(store.layers).to_parquet(files[1])
    models = summary_of_models(store, root, description["inputs"])
    write_text(files[2], models.to_csv(index=False))
    write_text(files[3], _markdown(models, store.refused))
    records.record(record, key_of(description), {"title": "Filters of the study's networks", "notes": NOTES}, files)


def with_filter_ids(layers: pd.DataFrame) -> pd.DataFrame:
    """The layers with `filter_ids` as CNN Filter DB writes them, `start:end` with the end included: rows of a matrix of
    all 3x3 filters, in the order of the layers; null for the other layers, and for transposed convolutions."""
    chosen = choose(layers)
    ends = chosen["filters"].cumsum()
    ids = [f"{end - count}:{end - 1}" for end, count in zip(ends, chosen["filters"], strict=True)]
    return layers.assign(filter_ids=pd.Series(ids, chosen.index, dtype="str"))


def summary_of_models(store: Store, root: Path, folders: Mapping[str, str]) -> pd.DataFrame:
    """A row per network, those that were refused among them."""
    counted = _filters_of(store, choose(store.layers))
    regular = _filters_of(store, choose(store.layers, kinds=("regular",)))
    known, rows = table_of_models(), []
    for model, folder in folders.items():
        manifest = artifacts.manifest(root, folder).manifest
        facts = manifest["facts"]
        entry = known[model].entry if model in known else facts.get("entry", {})
        rows.append(
            {
                "model": model,
                "task": entry.get("Task"),
                "family": entry.get("Name"),
                "format": facts["format"],
                "licence": entry.get("Licence"),
                "convolutions": facts.get("layers"),
                "filters 3x3": None if "refused" in facts else counted.get(model, 0),
                "regular 3x3": None if "refused" in facts else regular.get(model, 0),
                "catalogued 3x3": known[model].catalogued_3x3 if model in known else None,
                "all filters": facts.get("filters"),
                "left out": len(facts["left_out"]) if "left_out" in facts else None,
                "refused": facts.get("refused"),
            }
        )
    table = pd.DataFrame(rows)
    counts = ("convolutions", "filters 3x3", "regular 3x3", "catalogued 3x3", "all filters", "left out")
    return table.astype(dict.fromkeys(counts, "Int64"))


def _filters_of(store: Store, layers: pd.DataFrame) -> dict[str, int]:
    counts = layers.groupby("model_id")["filters"].sum()
    return {store.models["model"][model_id]: int(count) for model_id, count in counts.items()}


def _markdown(models: pd.DataFrame, refused: Mapping[str, str]) -> str:
    kept = models[models["refused"].isna()]
    by_task = kept.groupby("task", dropna=False)
    shown = by_task[["convolutions", "filters 3x3", "all filters"]].sum()
    shown.insert(0, "families", by_task["family"].nunique())
    shown.insert(0, "networks", by_task.size())
    shown.loc["sum"] = shown.sum()
    shown.loc["sum", "families"] = kept["family"].nunique()
    body = (
        shown.map(lambda count: f"{count:,}").reset_index(names="task").to_markdown(index=False, disable_numparse=True)
    )
    lines = [f"- {model}: {reason}" for model, reason in refused.items()]
    listed = [f"Refused, {len(refused)} of {len(models)}:\n\n" + "\n".join(lines)] if refused else []
    return "\n\n".join([f"**Filters of {len(kept)} networks**", body, *NOTES, *listed]) + "\n"


def ls(root: Path, jobs: Mapping[str, Job]) -> str:
    """A line per network of a study: what of it is in the store."""
    lines = []
    for model, job in jobs.items():
        there = (root / job.folder / artifacts.MANIFEST).exists()
        lines.append((model, summary(artifacts.manifest(root, job.folder).facts) if there else "not extracted yet"))
    width = max((len(model) for model, _ in lines), default=0)
    return "\n".join(f"{model:{width}}  {line}" for model, line in lines)


def check_extracted(root: Path, jobs: Mapping[str, Job]) -> None:
    """Raises KeyfiltersError, which says what makes or fetches them, if some of these networks are not in the store."""
    files = {model: root / job.folder / artifacts.MANIFEST for model, job in jobs.items()}
    missing = [model for model, file in files.items() if not file.exists()]
    if missing:
        alone = len(missing) == 1
        target = files[missing[0]] if alone else "filters"
        raise KeyfiltersError(
            f"{missing[0]} {'is' if alone else f'and {len(missing) - 1} more are'} not in the store yet; "
            f"`snakemake --cores all {target} --config study={root.name}` makes what is missing, "
            f"`keyfilters pull --study {root.name}` fetches what DVC has on record"
        )


def info(root: Path, jobs: Mapping[str, Job], model: str) -> str:
    """What is known of one network, its layers, and where its contact sheet lies.

    Raises KeyfiltersError if the study has no such network, or it is not extracted yet.
    """
    if model not in jobs:
        raise KeyfiltersError(f"the study has no network {model!r}; `keyfilters filters ls` lists them")
    check_extracted(root, {model: jobs[model]})
    folder = jobs[model].folder
    artifact = artifacts.manifest(root, folder)
    store = Store(root, {model: folder})
    lines = [f"{model}: {summary(artifact.facts)}"]
    if not store.refused:
        metadata = store.models.iloc[0].dropna()
        lines += [f"{column}: {value}" for column, value in metadata.items()]
        lines += [f"left out: {line}" for line in artifact.facts["left_out"]]
        layers = store.layers.drop(columns="model_id").dropna(axis="columns", how="all")
        lines += ["", layers.to_string(index=False), "", f"contact sheet: {artifact.path / CONTACT_SHEET}"]
    return "\n".join(lines)
