"""The cells of a table, read back from their records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keyfilters.config.transfer import Choices
from keyfilters.errors import KeyfiltersError
from keyfilters.models.registry import architecture, layer_count
from keyfilters.store.records import load as load_record

STACKING = (
    "Stacked: the source's filters end to end as executed, assigned to the target layer by layer from their beginning, "
    "and from there again where they run out."
)

CONTROLS = {
    "random": "Random",
    "identity": "Identity",
    "norms": "Random with the source's norms",
    "permuted": "Taps permuted",
    "closed_forms": "Closed forms",
    "universal": "Eight patterns",
}
"""What people call the controls, `config.transfer.Control`, in the order of tables and figures."""


def load(description: Mapping[str, Any], results: Path) -> list[dict[str, Any]]:
    """The records of the cells that a table's job names, from `<results>/cells`, in the order that it asks for; each
    with its name `<table>/<cell>` as `cell`.

    Raises KeyfiltersError if one is missing or was made from other settings than the job's.
    """
    records = []
    for name in ordered(description):
        folder = description["inputs"][name]
        path = results / "cells" / f"{name}.json"
        try:
            record = load_record(path)
        except (OSError, ValueError) as error:
            raise KeyfiltersError(f"{path}: no readable cell ({error}); run `snakemake {path}`") from None
        if record["key"] != folder.rpartition("-")[2]:
            raise KeyfiltersError(f"{path}: made from other settings; run `snakemake {path}`")
        records.append(record | {"cell": name})
    return records


def ordered(description: Mapping[str, Any]) -> list[str]:
    """The names of a table's inputs in the order that its settings ask for, if they do."""
    order = description["settings"].get("order")
    return [f"{description['stage']}/{name}" for name in order] if order else list(description["inputs"])


def by_size(datasets: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The distinct sets among `datasets` in the papers' order: by descending number of training images."""
    distinct = {dataset["name"]: dict(dataset) for dataset in datasets}
    return sorted(distinct.values(), key=lambda dataset: (-dataset["train"], dataset["name"]))


def names_in_paper(description: Mapping[str, Any], datasets: list[Mapping[str, Any]]) -> dict[str, str]:
    """What the paper calls the set in whose place each of ours stands, by our name; its title where no set does."""
    stands_for = description["settings"].get("paper", {})
    return {dataset["name"]: stands_for.get(dataset["name"], dataset["title"]) for dataset in datasets}


def percent(record: Mapping[str, Any]) -> str:
    """`87.6`, or `87.6 ± 0.3` where the cell has more than one seed."""
    spread = "" if record["spread"] is None else f" ± {record['spread']:.1f}"
    return f"{record['mean']:.1f}{spread}"


def basis(records: list[Mapping[str, Any]], study: str, measure: str = "top-1") -> str:
    """One sentence that says what the numbers rest on: study, n, seeds, and what is measured, accuracies or something
    of them."""
    runs = [run for record in records for run in record["runs"]]
    trained = [run for run in runs if run["seed"] is not None]
    seeds = sorted({run["seed"] for run in trained})
    others = f", pretrained elsewhere: {len(runs) - len(trained)}" if len(trained) < len(runs) else ""
    of_seeds = f" (seeds {in_words(seeds)})" if seeds else ""
    counts = " or ".join(str(n) for n in sorted({record["n"] for record in records}))
    return (
        f"Study `{study}`, {len(trained)} trainings{others}, n = {counts} a cell{of_seeds}; "
        f"{measure} on the test images after the last epoch, in percent."
    )


def in_words(seeds: Sequence[int]) -> str:
    """`0, 1, 2`, or `0 to 9` of many in a row."""
    many = len(seeds) > 3 and list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]} to {seeds[-1]}" if many else ", ".join(map(str, seeds))


def sampling(records: list[Mapping[str, Any]]) -> str:
    """One sentence on how far the choice of test images alone moves a number."""
    error = sum(standard_error(record) for record in records) / len(records)
    test_images = records[0]["target"]["test"]
    return f"One accuracy rests on {test_images:,} test images: a standard error of {error:.1f} points, seeds apart."


def standard_error(record: Mapping[str, Any]) -> float:
    """Binomial standard error of an accuracy, in points."""
    share = record["mean"] / 100
    return 100 * math.sqrt(share * (1 - share) / record["target"]["test"])


def choices(records: list[Mapping[str, Any]], layer: str, model: Mapping[str, Any] | None = None) -> str:
    """One sentence that says how the study does what the paper is silent about; see `chosen`."""
    return f"Our choice where the paper is silent: {chosen(records, layer, model)}."


def chosen(records: list[Mapping[str, Any]], layer: str, model: Mapping[str, Any] | None = None) -> str:
    """What was chosen where the paper is silent: of the bias and of what is not as by default, or, where the cells are
    of one `model`, of what its layers have."""
    named = next(record["choices"] for record in records if record["choices"])
    names = [*architecture(model["architecture"]).choices, *({"kernel_size"} & named.keys())] if model else named
    values = Choices(**named)
    of_norm = "copied and frozen with it" if values.batch_norm == "copied" else values.batch_norm
    meant = {
        "bias": f"the bias of a transferred {layer} is {values.bias}",
        "batch_norm": f"the BatchNorm after a transferred {layer} is {of_norm}, its affine part and its statistics",
        "projections": f"the projections of shortcuts are {values.projections}",
        "kernel_size": f"kernel_size is {values.kernel_size!r}",
    }
    return "; ".join(meant[name] for name in names)


def control(record: Mapping[str, Any]) -> str | None:
    """The control that stands in the place of the cell's source, if one does."""
    return record.get("role", {}).get("control")


def rank(record: Mapping[str, Any]) -> int:
    """By which tables and figures sort cells: 0 without a control, then the controls in their order."""
    there = control(record)
    return 1 + list(CONTROLS).index(there) if there else 0


def controls(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The controls among cells, in their order."""
    there = set(map(control, records))
    return [name for name in CONTROLS if name in there]


def on_controls(records: list[Mapping[str, Any]]) -> list[str]:
    """A sentence that says what the controls are, if there are any."""
    there = controls(records)
    meant = {
        "random": "the target's own filters as initialised",
        "identity": "a one at the centre of zeros, which mixes no pixels",
        "norms": "random directions with the norms of the source's filters",
        "permuted": "the source's filters with their taps in random order",
        "closed_forms": "the nearest a x + b of the source's filters, x a discrete Gaussian or a difference of one",
        "universal": "the nearest a x + b of the source's filters, x one of eight patterns of networks of other sets",
    }
    listed = "; ".join(f"{CONTROLS[name].lower()}: {meant[name]}" for name in there)
    return (
        [f"Controls, ours and not the paper's, frozen like the filters whose place they take: {listed}."]
        if there
        else []
    )


def layers(record: Mapping[str, Any]) -> int:
    """How many layers the network that a cell's role names has to transfer."""
    model = record["role"]["model"]
    return layer_count(model["architecture"], model)


def title(model: Mapping[str, Any]) -> str:
    """`ConvNeXt femto` for `convnext_femto`."""
    return architecture(model["architecture"]).title


def titles(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """What tells models apart: their architectures' titles, and of several of one architecture, what not all share."""
    named = []
    for model in models:
        alike = [other for other in models if other["architecture"] == model["architecture"]]
        shared = {name for name, value in model.items() if all(other.get(name) == value for other in alike)}
        named.append(_phrase(title(model), {name: value for name, value in model.items() if name not in shared}))
    return named


def network(model: Mapping[str, Any]) -> str:
    """A model in one phrase: `hornet_tiny (base_dim 8)`."""
    return _phrase(model["architecture"], {name: value for name, value in model.items() if name != "architecture"})


def _phrase(name: str, arguments: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{argument} {_text(value)}" for argument, value in arguments.items())
    return f"{name} ({listed})" if listed else name


def _text(value: Any) -> str:
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)
