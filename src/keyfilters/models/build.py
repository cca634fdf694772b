"""Networks from a study's `model` settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keyfilters.models.torchvision_ops  # noqa: F401  (before timm, which imports torchvision)

# isort: split
import timm
from torch import nn


def build(model: Mapping[str, Any], classes: int) -> nn.Module:
    """The network with random weights, drawn from torch's global generator.

    `model`: `architecture` is timm's name, every other key an argument of it. Input `[N, 3, H, W]`,
    output `[N, classes]`.
    """
    arguments = {key: value for key, value in model.items() if key != "architecture"}
    return timm.create_model(model["architecture"], num_classes=classes, **arguments)
