"""Networks from a study's `model` settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keyfilters.models.torchvision_ops  # noqa: F401  (before timm, which imports torchvision)

# isort: split
import timm
from torch import nn

from keyfilters.errors import KeyfiltersError
from keyfilters.models import ARCHITECTURES
from keyfilters.models.hornet import VARIANTS, build_hornet
from keyfilters.models.lowres import FORMS, build_lowres
from keyfilters.models.plain import build_yosinski8


def build(model: Mapping[str, Any], classes: int) -> nn.Module:
    """The network with random weights, drawn from torch's global generator.

    `model`: `architecture` and any of its arguments in `ARCHITECTURES`. Input `[N, 3, H, W]`, output
    `[N, classes]`. Raises KeyfiltersError for another architecture, argument or value that cannot be built.
    """
    arguments = dict(model)
    architecture = arguments.pop("architecture")
    if architecture not in ARCHITECTURES:
        raise KeyfiltersError(f"unknown architecture {architecture!r}, expected one of: {', '.join(ARCHITECTURES)}")
    known = ARCHITECTURES[architecture]
    for argument in arguments:
        if argument not in known:
            raise KeyfiltersError(f"{architecture} has no argument {argument!r}, expected one of: {', '.join(known)}")
    try:
        if architecture in VARIANTS:
            return build_hornet(architecture, classes, **arguments)
        if architecture == "yosinski8":
            return build_yosinski8(classes, **arguments)
        if architecture in FORMS:
            return build_lowres(architecture, classes, **arguments)
        return timm.create_model(architecture, num_classes=classes, **arguments)
    except (TypeError, ValueError, IndexError, AssertionError) as error:  # for a value: too few depths, say
        raise KeyfiltersError(f"{architecture} cannot be built with {arguments}: {error}") from error
