"""Networks trained here or by others, as ONNX files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from keyfilters.artifacts import Artifact
from keyfilters.models.build import build
from keyfilters.training.train import WEIGHTS
from keyfilters.zoo.export import export


def trained(artifact: Artifact) -> nn.Module:
    """The network of a `train` job, with its weights."""
    network = build(artifact.description["settings"]["model"], artifact.facts["dataset"]["classes"])
    network.load_state_dict(load_file(artifact.path / WEIGHTS))
    return network


def entry(artifact: Artifact, domain: str) -> dict[str, str]:
    """What CNN Filter DB's meta table tells of the network of a `train` job; `domain` of the pictures."""
    return {
        "Name": artifact.description["settings"]["model"]["architecture"],
        "Training-Dataset": artifact.facts["dataset"]["title"],
        "Visual Category": domain,
        "Task": "classification",
        "Task in detail": "image classification",
        "Precision": "float32",
        "Source": f"trained here: {artifact.path.name}",
    }


def as_onnx(network: nn.Module, settings: Mapping[str, Any], folder: Path) -> Path:
    """Write the network to a file in `folder` for pictures of the `image_size` in `settings`; its path."""
    folder.mkdir()
    path = folder / "network.onnx"
    export(network, settings["image_size"], path)
    return path
