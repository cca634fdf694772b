"""`keyfilters transfer`: filters of one network, frozen in another that is then trained.

The experiments of *The Master Key Filters Hypothesis* (Tables 1 to 5, Figures 2 to 4): filters come from the
source's base model; the rest starts at random and trains. Under one seed, a target starts from the same weights and
sees the same batches whatever is transferred to it, as the target's own base model does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from keyfilters.config.transfer import PATTERN_SOURCE, Transfer
from keyfilters.models.build import build
from keyfilters.store import artifacts
from keyfilters.training.network import load_network
from keyfilters.training.train import train_and_test
from keyfilters.transfer.copying import End, copy_filters


def transfer(description: Mapping[str, Any], root: Path, threads: int, jobs_per_gpu: int = 1) -> None:
    """Make the artifact of a `transfer` job below `root`: weights, accuracy and losses.

    Raises KeyfiltersError if an input is absent or damaged, or the source's filters do not fit the target.
    """
    torch.set_num_threads(threads)
    settings = description["settings"]
    choices = Transfer.model_validate(settings["transfer"])
    with artifacts.write(root, description) as draft:
        torch.manual_seed(settings["seed"])
        network = build(settings["model"], classes=len(draft.inputs["dataset"].facts["classes"]))
        target = End(f"the target {settings['model']['architecture']}", network)
        origin, source = target, draft.inputs.get("source")
        if source:
            architecture = source.description["settings"]["model"]["architecture"]
            origin = End(f"the source {architecture}", load_network(source))
            draft.facts.update(source=source.facts["dataset"])
        pattern_sources = [
            End(f"the pattern source {role}", load_network(artifact))
            for role, artifact in draft.inputs.items()
            if role.startswith(PATTERN_SOURCE)
        ]
        copied = copy_filters(origin, target, choices, settings["seed"], pattern_sources)
        draft.facts.update(copied=copied, frozen=copied if choices.frozen else [])
        train_and_test(network, description, draft, jobs_per_gpu)
