"""Which layers of a network are depthwise, pointwise or on its main path, in the order of execution, and which batch
normalisation reads what they make.

Decided by what the modules are and what they read in a forward pass, never by their names.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

_IMAGES = (2, 3, 224, 224)  # two, for batch norm; large enough for the last feature map of every architecture


class Norm(NamedTuple):
    """A batch normalisation and its name in the network."""

    name: str
    module: nn.BatchNorm2d


class _Step(NamedTuple):
    """A module that was executed, with the feature maps that it read and made."""

    name: str
    module: nn.Module
    read: Tensor
    made: Tensor


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
    return {step.name: step.module for step in _executed(network, nn.Conv2d) if is_depthwise(step.module)}


def pointwise_layers(network: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    """The network's pointwise convolutions by name; a classifier is none, because it reads vectors."""
    return {step.name: step.module for step in _executed(network, nn.Conv2d, nn.Linear) if is_pointwise(step.module)}


def main_path(network: nn.Module) -> list[dict[str, nn.Conv2d]]:
    """The network's convolutions layer by layer, each with the projections beside it.

    Convolutions that read the very same feature map are one layer: the one that is executed first is on the
    main path, the others project the shortcut past it. So ResNet-50 has 49 layers, 4 with a projection.
    """
    layers: dict[int, dict[str, nn.Conv2d]] = {}
    steps = _executed(network, nn.Conv2d)  # keeps the maps alive, so that an id stands for one map
    for step in steps:
        layers.setdefault(id(step.read), {})[step.name] = step.module
    return list(layers.values())


def batch_norms(network: nn.Module) -> dict[str, Norm]:
    """The batch normalisation that reads the feature map which a convolution makes, by the convolution's name; none of
    a class that is derived, which may do more than normalise."""
    steps = _executed(network, nn.Conv2d, nn.BatchNorm2d)
    makers = {id(step.made): step.name for step in steps if isinstance(step.module, nn.Conv2d)}
    return {
        makers[id(step.read)]: Norm(step.name, step.module)
        for step in steps
        if type(step.module) is nn.BatchNorm2d and id(step.read) in makers
    }


def map_sizes(network: nn.Module) -> dict[str, tuple[int, int]]:
    """Height and width in pixels of the feature map that each of these layers reads, by name and as executed, of an
    image of 224 px."""
    return {
        step.name: tuple(step.read.shape[2:] if isinstance(step.module, nn.Conv2d) else step.read.shape[1:3])
        for step in _executed(network, nn.Conv2d, nn.Linear)
    }


def _executed(network: nn.Module, *kinds: type[nn.Module]) -> list[_Step]:
    """The modules of these kinds that are applied to feature maps `[N, ., ., .]`, in the order of their first time.

    Images without pixels pass through the network on the meta device: nothing is computed, and weights,
    statistics and random generators stay as they are.
    """
    steps: dict[str, _Step] = {}

    def note(name: str, module: nn.Module, arguments: tuple[Tensor], made: Tensor) -> None:
        if arguments[0].ndim == 4:
            steps.setdefault(name, _Step(name, module, arguments[0], made))

    hooks = [
        module.register_forward_hook(partial(note, name))
        for name, module in network.named_modules()
        if isinstance(module, kinds)
    ]
    shapes = {name: tensor.to("meta") for name, tensor in chain(network.named_parameters(), network.named_buffers())}
    try:
        with torch.no_grad():
            functional_call(network, shapes, torch.empty(_IMAGES, device="meta"))
    finally:
        for hook in hooks:
            hook.remove()
    return list(steps.values())
