"""`keyfilters transfer`: filters of one network, frozen in another that is then trained.

The experiment of *The Master Key Filters Hypothesis* (Figure 3, Table 2): every depthwise weight is copied
from the source's base model, in forward order, and frozen; the rest starts at random and trains.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from keyfilters import artifacts
from keyfilters.errors import KeyfiltersError
from keyfilters.models.build import build
from keyfilters.models.convolutions import depthwise_layers
from keyfilters.training.train import WEIGHTS, train_and_test

# A target starts elsewhere than the base model of the same seed did: otherwise a network that takes its own
# filters ('selffer') would start at the very weights that these filters were trained with.
SEED_OFFSET = 1_000_003


def transfer(description: Mapping[str, Any], root: Path, threads: int) -> None:
    """Make the artifact of a `transfer` job below `root`: weights, accuracy and losses."""
    torch.set_num_threads(threads)
    settings = description["settings"]
    with artifacts.write(root, description) as draft:
        source = draft.inputs["source"]
        torch.manual_seed(settings["seed"] + SEED_OFFSET)
        network = build(settings["model"], classes=len(draft.inputs["dataset"].facts["classes"]))
        frozen = copy_depthwise(
            load_file(source.path / WEIGHTS), network, copy_bias=settings["transfer"]["bias"] == "copied"
        )
        draft.facts.update(frozen=frozen, source=source.facts["dataset"])
        train_and_test(network, description, draft)


def copy_depthwise(source: Mapping[str, Tensor], target: nn.Module, copy_bias: bool) -> list[str]:
    """Copy the depthwise weights `[channels, 1, kh, kw]` of a state dict into `target` and freeze them.

    Source and target are of one architecture. Returns the names of the frozen parameters.
    Raises KeyfiltersError where a layer is missing in the source or has another shape.
    """
    frozen = []
    for layer, convolution in depthwise_layers(target).items():
        for kind in ("weight", "bias") if copy_bias else ("weight",):
            name, parameter = f"{layer}.{kind}", getattr(convolution, kind)
            given = source.get(name)
            if given is None or given.shape != parameter.shape:
                shape = "no such layer" if given is None else f"shape {tuple(given.shape)}"
                raise KeyfiltersError(
                    f"transfer: {name} has shape {tuple(parameter.shape)} in the target, {shape} in the source"
                )
            with torch.no_grad():
                parameter.copy_(given)
            parameter.requires_grad_(False)
            frozen.append(name)
    if not frozen:
        raise KeyfiltersError("transfer: the target has no depthwise layers; choose another architecture")
    return frozen
