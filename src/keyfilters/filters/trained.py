"""Networks whose code is here, trained by a study or published with a library, as ONNX files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from keyfilters.filters.onnx_export import export
from keyfilters.models import pretrained
from keyfilters.store.artifacts import Artifact
from keyfilters.training.network import load_network
from keyfilters.training.weights import WEIGHTS, weights_after

Known = dict[str, str | None]
"""What CNN Filter DB's meta table tells of a network beside its weights, under its names; and more."""


def trained(
    network: Artifact, dataset: Artifact, image_size: int, epoch: int | None = None
) -> tuple[nn.Module, int, Known]:
    """The network of a `train` job with its weights, the size of images that it takes, and what is known of it.

    `epoch`: its weights after one of its checkpoints in place of the last.
    """
    architecture = network.description["settings"]["model"]
    module = load_network(network, WEIGHTS if epoch is None else weights_after(epoch))
    known = {
        "Name": architecture["architecture"],
        "Training-Dataset": network.facts["dataset"]["title"],
        "Visual Category": dataset.facts["domain"],
        "Task": "classification",
        "Task in detail": "image classification",
        "Precision": "float32",
        "Source": f"trained here: {network.path.name}",
    }
    return module, image_size, known


def published(library: str, name: str) -> tuple[nn.Module, int, Known]:
    """As `trained`, of a network of timm or torchvision with its published weights.

    Raises KeyfiltersError if the library has no such weights or cannot fetch them.
    """
    module = pretrained.named(name, library)
    config: Mapping[str, Any] = getattr(module, "pretrained_cfg", {})
    known = {
        "Name": name,
        "Task": "classification" if library == "timm" else None,
        "Precision": str(next(module.parameters()).dtype).removeprefix("torch."),
        "Licence": config.get("license"),
        "Source": f"{library} {name}",
    }
    return module, config.get("input_size", (3, 224, 224))[-1], known


def as_onnx(network: nn.Module, image_size: int, folder: Path) -> Path:
    """Write the network to a file in `folder`; its path. Raises KeyfiltersError if it cannot be exported."""
    folder.mkdir()
    path = folder / "network.onnx"
    export(network, image_size, path)
    return path
