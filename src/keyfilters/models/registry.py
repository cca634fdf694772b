"""Every architecture by name: the one place that says what it is built by, what it takes and what it costs.

This file imports nothing heavy: a study is checked against these entries before any job starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from keyfilters.errors import KeyfiltersError
from keyfilters.models import maps
from keyfilters.models.maps import Reading, Readings

Sizes = tuple[PositiveInt, ...]
Rate = Annotated[float, Field(ge=0, le=1)]

SPEED_SOURCE = "timm's benchmark results: one RTX 3090, mixed precision, channels_last, torch 1.12, 224 px"


@dataclass(frozen=True)
class Architecture:
    """What is known of an architecture without building it.

    `builder`: `<module>:<function>`, called as `function(name, num_classes=..., **arguments)`. `arguments`: their types
    by name; what a study leaves out is the builder's default. `readings`: the layers that a transfer can take, and the
    maps that they read; None for a network that is trained for its filters alone. `width`: the argument that sets the
    number of channels, and its value in the published network. `giga_macs`: multiply-accumulate operations of an image
    at its published size, in 1e9. `images_per_second`: of a published training, by `SPEED_SOURCE`. `choices`: which of
    `config.transfer.Choices` a transfer of these layers has.
    """

    title: str
    builder: str
    arguments: Mapping[str, Any]
    readings: Readings | None = None
    width: tuple[str, float] | None = None
    giga_macs: float | None = None
    images_per_second: float | None = None
    choices: tuple[str, ...] = ("bias",)


def architecture(name: str) -> Architecture:
    """The entry of this name. Raises KeyfiltersError, which lists the known ones."""
    if name not in ARCHITECTURES:
        raise KeyfiltersError(f"unknown architecture {name!r}, expected one of: {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def readings(name: str, arguments: Mapping[str, Any], image_size: int) -> list[Reading]:
    """The layers that a transfer can take, as executed, and the maps that they read of images of this side in pixels.

    Raises ValueError for a network that is none of transfers.
    """
    readings_of = architecture(name).readings
    if readings_of is None:
        raise ValueError(f"{name} is no network of transfers; it belongs to `lowres`")
    return readings_of(arguments, image_size)


def layer_count(name: str, arguments: Mapping[str, Any]) -> int:
    """How many layers a transfer can take. Raises ValueError for a network that is none of transfers."""
    return len(readings(name, arguments, 0))


ARGUMENTS = {
    "depths": "Blocks in each of the four stages.",
    "dims": "Channels in each of the four stages.",
    "base_dim": "Channels in the first stage; each further one has twice as many.",
    "patch_size": "Kernel and stride of the stem; of `yosinski8`, the stride of the first layer.",
    "kernel_sizes": "Of the depthwise convolutions in each stage.",
    "conv_mlp": "Pointwise layers as 1x1 convolutions, or as Linear: the same function.",
    "ls_init_value": "What the layer scale starts from.",
    "drop_path_rate": "Of the last block; it grows linearly from none.",
    "orders": "Of the gated convolutions in each stage.",
    "scale": "Of the gates, 1/alpha.",
    "layers": "Blocks in each of the four stages of a ResNet.",
    "channels": "Channels in each of the four stages of a ResNet, before their expansion.",
    "width": "Multiplies all channels.",
    "map_size": "Kernel of the sixth layer: the map that the fully connected layers read.",
    "in_channels": "Channels of an image that the network reads.",
}
"""What each argument means."""


_CONVNEXT = {
    "depths": Sizes,
    "dims": Sizes,
    "patch_size": PositiveInt,
    "kernel_sizes": Sizes,
    "conv_mlp": bool,
    "ls_init_value": PositiveFloat,
    "drop_path_rate": Rate,
}
_HORNET = {
    "depths": Sizes,
    "base_dim": PositiveInt,
    "patch_size": PositiveInt,
    "orders": Sizes,
    "scale": PositiveFloat,
    "ls_init_value": PositiveFloat,
    "drop_path_rate": Rate,
}


def _convnext(size: str, depths: tuple[int, ...], dim: int, giga_macs: float, **known: Any) -> Architecture:
    title, read = f"ConvNeXt {size}", maps.convnext(depths)
    return Architecture(title, "timm:create_model", _CONVNEXT, read, ("dims", dim), giga_macs, **known)


def _hornet(size: str, dim: int, giga_macs: float) -> Architecture:
    builder, read = "keyfilters.models.hornet:build_hornet", maps.hornet((2, 3, 18, 2))
    return Architecture(f"HorNet {size}", builder, _HORNET, read, ("base_dim", dim), giga_macs)


def _lowres(title: str) -> Architecture:
    arguments = {"width": PositiveFloat, "in_channels": Literal[1, 3]}
    return Architecture(title, "keyfilters.models.lowres:build_lowres", arguments)


ARCHITECTURES = {
    "convnext_femto": _convnext("femto", (2, 2, 6, 2), 48, 0.780),
    "convnext_tiny": _convnext("tiny", (3, 3, 9, 3), 96, 4.456, images_per_second=819),
    "convnext_base": _convnext("base", (3, 3, 27, 3), 128, 15.355),
    "convnext_large": _convnext("large", (3, 3, 27, 3), 192, 34.361),
    "hornet_tiny": _hornet("tiny", 64, 3.968),
    "hornet_small": _hornet("small", 96, 8.814),
    "hornet_large": _hornet("large", 192, 34.796),
    "resnet50": Architecture(
        title="ResNet-50",
        builder="timm:create_model",
        arguments={"layers": Sizes, "channels": Sizes, "drop_path_rate": Rate},
        readings=maps.resnet((3, 4, 6, 3)),
        width=("channels", 64),
        giga_macs=4.089,
        images_per_second=1218,
        choices=("batch_norm", "projections"),
    ),
    "yosinski8": Architecture(
        title="Yosinski-8",
        builder="keyfilters.models.plain:build_yosinski8",
        arguments={"width": PositiveFloat, "patch_size": PositiveInt, "map_size": PositiveInt},
        readings=maps.yosinski8,
        width=("width", 1),
        giga_macs=1.139,
    ),
    **{f"lowres_resnet{depth}": _lowres(f"ResNet-{depth}, low resolution") for depth in (9, 14, 18, 34, 50, 101, 152)},
    **{
        f"lowres_vgg{depth}{norm}": _lowres(f"VGG-{depth}{title}, low resolution")
        for depth in (11, 13, 16, 19)
        for norm, title in (("", ""), ("_bn", " with BatchNorm"))
    },
    "lowres_mobilenet_v2": _lowres("MobileNetV2, low resolution"),
    **{f"lowres_densenet{depth}": _lowres(f"DenseNet-{depth}, low resolution") for depth in (121, 161, 169)},
    "lowres_googlenet": _lowres("GoogLeNet, low resolution"),
    "lowres_inception_v3": _lowres("Inception v3, low resolution"),
    "lowres_alexnet": _lowres("AlexNet, low resolution"),
}
