"""Architectures by name, and which of their layers are depthwise, pointwise or on the main path.

This file imports nothing heavy: a study is checked against these names before any job starts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_CONVNEXT = ("depths", "dims", "patch_size", "kernel_sizes", "conv_mlp", "ls_init_value", "drop_path_rate")
_HORNET = ("depths", "base_dim", "patch_size", "orders", "scale", "ls_init_value", "drop_path_rate")

_LOWRES = (
    *(f"lowres_resnet{depth}" for depth in (9, 14, 18, 34, 50, 101, 152)),
    *(f"lowres_vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")),
    "lowres_mobilenet_v2",
    *(f"lowres_densenet{depth}" for depth in (121, 161, 169)),
    "lowres_googlenet",
    "lowres_inception_v3",
    "lowres_alexnet",
)

ARCHITECTURES = {
    "convnext_femto": _CONVNEXT,
    "convnext_tiny": _CONVNEXT,
    "convnext_base": _CONVNEXT,
    "convnext_large": _CONVNEXT,
    "hornet_tiny": _HORNET,
    "hornet_small": _HORNET,
    "hornet_large": _HORNET,
    "resnet50": ("layers", "channels", "drop_path_rate"),
    "yosinski8": ("width", "patch_size", "map_size"),
    **dict.fromkeys(_LOWRES, ("width", "in_channels")),
}
"""The arguments of each architecture: timm's for its names, else those of this folder's modules."""

_DEPTHS = {
    "convnext_femto": (2, 2, 6, 2),
    "convnext_tiny": (3, 3, 9, 3),
    "convnext_base": (3, 3, 27, 3),
    "convnext_large": (3, 3, 27, 3),
    "hornet_tiny": (2, 3, 18, 2),
    "hornet_small": (2, 3, 18, 2),
    "hornet_large": (2, 3, 18, 2),
}


def layer_count(architecture: str, arguments: Mapping[str, Sequence[Any]]) -> int:
    """How many layers a transfer can take, known without building: one depthwise convolution in each block of a
    ConvNeXt or HorNet, else the convolutions on the main path. Raises ValueError for a low-resolution network."""
    if architecture in _LOWRES:
        raise ValueError(f"{architecture} is no network of transfers; it belongs to `lowres`")
    if architecture in _DEPTHS:
        return sum(arguments.get("depths", _DEPTHS[architecture]))
    if architecture == "resnet50":
        return 1 + 3 * sum(arguments.get("layers", (3, 4, 6, 3)))
    return 7
