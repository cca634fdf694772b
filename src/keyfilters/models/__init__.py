"""Architectures by name, and which of their layers are depthwise, pointwise or on the main path.

This file imports nothing heavy: a study is checked against these names before any job starts.
"""

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
