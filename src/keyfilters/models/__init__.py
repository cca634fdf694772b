"""Architectures by name, and which of their layers are depthwise, pointwise or on the main path.

This file imports nothing heavy: a study is checked against these names before any job starts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_CONVNEXT = ("depths", "dims", "patch_size", "kernel_sizes", "conv_mlp", "ls_init_value", "drop_path_rate")
_HORNET = ("depths", "base_dim", "patch_size", "orders", "scale", "ls_init_value", "drop_path_rate")

ARCHITECTURES = {
    "convnext_femto": _CONVNEXT,
    "convnext_tiny": _CONVNEXT,
    "convnext_large": _CONVNEXT,
    "hornet_tiny": _HORNET,
    "hornet_small": _HORNET,
    "hornet_large": _HORNET,
    "resnet50": ("layers", "channels", "drop_path_rate"),
    "yosinski8": ("width", "patch_size", "map_size"),
}
"""The arguments of each architecture: timm's for its names, else those of `models.hornet` and `models.plain`."""

_DEPTHS = {
    "convnext_femto": (2, 2, 6, 2),
    "convnext_tiny": (3, 3, 9, 3),
    "convnext_large": (3, 3, 27, 3),
    "hornet_tiny": (2, 3, 18, 2),
    "hornet_small": (2, 3, 18, 2),
    "hornet_large": (2, 3, 18, 2),
}


def layer_count(architecture: str, arguments: Mapping[str, Sequence[Any]]) -> int:
    """How many layers a transfer can take, known without building: one depthwise convolution in each block of a
    ConvNeXt or HorNet, else the convolutions on the main path."""
    if architecture in _DEPTHS:
        return sum(arguments.get("depths", _DEPTHS[architecture]))
    if architecture == "resnet50":
        return 1 + 3 * sum(arguments.get("layers", (3, 4, 6, 3)))
    return 7
