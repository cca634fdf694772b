"""`keyfilters cell`: one cell of a table, from the trainings of its seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.store import artifacts, records
from keyfilters.store.identity import key_of


def cell(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Write the cell's record: accuracy of each seed, mean and sample deviation, in percent.

    Only manifests are read: a cell can be gathered without the weights.
    """
    trainings = [artifacts.manifest(root, folder) for folder in description["inputs"].values()]
    accuracies = [100 * training.facts["accuracy"] for training in trainings]
    content = {
        "target": trainings[0].facts["dataset"],
        "source": trainings[0].facts.get("source"),
        "version": description["version"],
        "choices": description["settings"].get("choices"),
        **({"role": description["settings"]["role"]} if "role" in description["settings"] else {}),
        "mean": statistics.fmean(accuracies),
        "spread": statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        "n": len(accuracies),
        "runs": [
            {
                "training": folder,
                "seed": training.description["settings"].get("seed"),  # a pretrained network has none
                "accuracy": accuracy,
                "correct": training.facts["correct"],
            }
            for folder, training, accuracy in zip(description["inputs"].values(), trainings, accuracies, strict=True)
        ],
    }
    records.record(file, key_of(description), content)
