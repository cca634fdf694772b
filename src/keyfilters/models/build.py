"""Networks from a study's `model` settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import keyfilters.models.torchvision_ops  # noqa: F401  (before timm, which imports torchvision)

# isort: split
from torch import nn

from keyfilters.errors import KeyfiltersError
from keyfilters.models import registry


def build(model: Mapping[str, Any], classes: int) -> nn.Module:
    """The network with random weights, drawn from torch's global generator.

    `model`: `architecture` and any of its arguments in the registry. Input `[N, 3, H, W]`, output `[N, classes]`.
    Raises KeyfiltersError for another architecture, argument or value that cannot be built.
    """
    arguments = dict(model)
    name = arguments.pop("architecture")
    architecture = registry.architecture(name)
    for argument in arguments:
        if argument not in architecture.arguments:
            known = ", ".join(architecture.arguments)
            raise KeyfiltersError(f"{name} has no argument {argument!r}, expected one of: {known}")
    module, _, function = architecture.builder.partition(":")
    builder = getattr(import_module(module), function)
    try:
        return builder(name, num_classes=classes, **arguments)
    except (TypeError, ValueError, IndexError, AssertionError) as error:  # for a value: too few depths, say
        raise KeyfiltersError(f"{name} cannot be built with {arguments}: {error}") from error
