"""Which convolutions of a network are depthwise: decided by the modules, never by their names."""

from __future__ import annotations

from torch import nn


def is_depthwise(module: nn.Module) -> bool:
    """A 2-D convolution with one group per input channel, and more than one channel."""
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1


def depthwise_layers(network: nn.Module) -> dict[str, nn.Conv2d]:
    """The network's depthwise convolutions by name, in the order of its modules."""
    return {name: module for name, module in network.named_modules() if is_depthwise(module)}
