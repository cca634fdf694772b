"""One tiny network, written in any weight format that the readers know."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layer:
    """A convolution with the weight `[out, in/groups, kh, kw]`."""

    name: str
    kind: str
    weight: np.ndarray
    stride: tuple[int, int] = (1, 1)

    @property
    def groups(self):
        return len(self.weight) if self.kind == "depthwise" else 1


def weight(*shape, seed=0):
    """Multiples of 1/8, which float16 holds exactly."""
    return (np.random.default_rng(seed).integers(-64, 64, shape) / 8).astype(np.float32)


# No two sizes of a kernel are equal, so that no mix-up of axes passes.
LAYERS = (
    Layer("first", "regular", weight(5, 3, 4, 2, seed=1), (2, 1)),
    Layer("second", "depthwise", weight(5, 1, 2, 3, seed=2)),
    Layer("third", "pointwise", weight(4, 5, 1, 1, seed=3)),
)
UP = Layer("up", "transposed", weight(2, 4, 3, 2, seed=4), (2, 2))


def torch_module(layers=(*LAYERS, UP)):
    """The layers as a `torch.nn.Sequential` with their names."""
    import torch

    modules = {}
    for layer in layers:
        out, group_in, *size = layer.weight.shape
        kind = torch.nn.ConvTranspose2d if layer.kind == "transposed" else torch.nn.Conv2d
        module = kind(group_in * layer.groups, out, size, layer.stride, groups=layer.groups, bias=False)
        array = layer.weight.swapaxes(0, 1) if layer.kind == "transposed" else layer.weight
        module.weight.data = torch.from_numpy(array.copy())
        modules[layer.name] = module
    return torch.nn.Sequential(OrderedDict(modules))
