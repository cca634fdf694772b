"""Which layers of a network are depthwise, pointwise or on its main path, in the order of execution.

Decided by what the modules are and what they read in a forward pass, never by their names.
"""

from __future__ import annotations

from functools import partial
from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call

_PICTURES = (2, 3, 224, 224)  # two, for batch norm; large enough for the last feature map of every architecture


def is_depthwise(module: nn.Module) -> bool:
    """A 2-D convolution with one group per input channel, and more than one channel."""
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1


def is_pointwise(module: nn.Module) -> bool:
    """A 1x1 convolution in one group, or its equal: a Linear, where it is applied to feature maps."""
    if isinstance(module, nn.Conv2d):
        return module.kernel_size == (1, 1) and module.groups == 1
    return isinstance(module, nn.Linear)


def depthwise_layers(network: nn.Module) -> dict[str, nn.Conv2d]:
    """The network's depthwise convolutions by name."""
    return {name: module for name, module, _ in _reads(network) if is_depthwise(module)}


def pointwise_layers(network: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    """The network's pointwise convolutions by name; a classifier is none, because it reads vectors."""
    return {name: module for name, module, _ in _reads(network) if is_pointwise(module)}


def main_path(network: nn.Module) -> list[dict[str, nn.Conv2d]]:
    """The network's convolutions layer by layer, each with the projections beside it.

    Convolutions that read the very same feature map are one layer: the one that is executed first is on the
    main path, the others project the shortcut past it. So ResNet-50 has 49 layers, 4 with a projection.
    """
    layers: dict[int, dict[str, nn.Conv2d]] = {}
    reads = _reads(network)  # keeps the maps alive, so that an id stands for one map
    for name, module, feature_map in reads:
        if isinstance(module, nn.Conv2d):
            layers.setdefault(id(feature_map), {})[name] = module
    return list(layers.values())


def map_sizes(network: nn.Module) -> dict[str, tuple[int, int]]:
    """Height and width in pixels of the feature map that each of these layers reads, by name and as executed, of an
    image of 224 px."""
    return {
        name: tuple(feature_map.shape[2:] if isinstance(module, nn.Conv2d) else feature_map.shape[1:3])
        for name, module, feature_map in _reads(network)
    }


def _reads(network: nn.Module) -> list[tuple[str, nn.Conv2d | nn.Linear, Tensor]]:
    """Name, module and input of everything that is applied to feature maps `[N, ., ., .]`, as executed.

    Images without pixels pass through the network on the meta device: nothing is computed, and weights,
    statistics and random generators stay as they are.
    """
    reads: dict[str, tuple[str, nn.Conv2d | nn.Linear, Tensor]] = {}

    def note(name: str, module: nn.Conv2d | nn.Linear, arguments: tuple[Tensor]) -> None:
        if arguments[0].ndim == 4:
            reads.setdefault(name, (name, module, arguments[0]))

    hooks = [
        module.register_forward_pre_hook(partial(note, name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    shapes = {name: tensor.to("meta") for name, tensor in chain(network.named_parameters(), network.named_buffers())}
    try:
        with torch.no_grad():
            functional_call(network, shapes, torch.empty(_PICTURES, device="meta"))
    finally:
        for hook in hooks:
            hook.remove()
    return list(reads.values())
