"""Sizes of maps by arithmetic are those of the networks' own forward passes."""

import pytest
import torch
from torch import nn

from keyfilters.models.build import build
from keyfilters.models.convolutions import depthwise_layers, main_path
from keyfilters.models.maps import Reading
from keyfilters.models.registry import ARCHITECTURES, readings

OF_TRANSFERS = [name for name, entry in ARCHITECTURES.items() if entry.readings]


def as_passed(model, image_size):
    """What the layers of a transfer read in a forward pass without pixels: map, kernel, stride, padding, dilation."""
    with torch.device("meta"):
        network = build(model, classes=10)
    layers = list(depthwise_layers(network).values()) or [next(iter(layer.values())) for layer in main_path(network)]
    widths = {}

    def note(module, inputs):
        widths.setdefault(module, inputs[0].shape[-1])

    for layer in layers:
        layer.register_forward_pre_hook(note)
    network(torch.empty(2, 3, image_size, image_size, device="meta"))
    return [
        Reading(widths[layer], layer.kernel_size[0], layer.stride[0], layer.padding[0], layer.dilation[0])
        for layer in layers
    ]


@pytest.mark.parametrize("image_size", [96, 100, 224])
@pytest.mark.parametrize("name", OF_TRANSFERS)
def test_of_the_published_sizes(name, image_size):
    assert readings(name, {}, image_size) == as_passed({"architecture": name}, image_size)


@pytest.mark.parametrize(
    ("name", "arguments", "image_size"),
    [
        ("convnext_femto", {"patch_size": 1}, 32),
        ("convnext_femto", {"patch_size": 2}, 32),
        ("convnext_femto", {"patch_size": 4}, 32),
        ("convnext_femto", {"patch_size": 4}, 64),
        ("convnext_femto", {"patch_size": 8}, 128),
        ("convnext_femto", {"patch_size": 16}, 128),
        ("convnext_femto", {"depths": [1, 2, 3, 1], "kernel_sizes": [3, 5, 7, 9]}, 64),
        ("convnext_femto", {"kernel_sizes": 5}, 64),
        ("hornet_tiny", {"patch_size": 2, "depths": [1, 2, 1, 1]}, 32),
        ("hornet_tiny", {}, 32),
        ("resnet50", {"layers": [1, 2, 1, 1]}, 32),
        ("resnet50", {}, 33),
        ("yosinski8", {"patch_size": 1, "map_size": 3}, 32),
        ("yosinski8", {"patch_size": 2, "map_size": 3}, 64),
    ],
)
def test_of_other_arguments_and_images(name, arguments, image_size):
    assert readings(name, arguments, image_size) == as_passed({"architecture": name, **arguments}, image_size)


def test_a_convnexts_patch_of_two_gives_no_larger_maps():
    def maps(**arguments):
        return list(dict.fromkeys(reading.map for reading in readings("convnext_femto", arguments, 32)))

    assert maps() == maps(patch_size=2) == [8, 4, 2, 1]
    assert maps(patch_size=1) == [32, 16, 8, 4]


@pytest.mark.parametrize(
    "reading",
    [
        Reading(size, kernel, stride, padding, dilation)
        for size in (1, 2, 3, 5, 8)
        for kernel, padding in ((1, 0), (3, 1), (7, 3))
        for stride in (1, 2)
        for dilation in (1, 2)
        if size + 2 * padding > dilation * (kernel - 1)
    ],
)
def test_the_taps_that_are_met_are_those_with_a_gradient(reading):
    layer = nn.Conv2d(1, 1, reading.kernel, reading.stride, reading.padding, reading.dilation)
    layer(torch.rand(1, 1, reading.map, reading.map) + 1).sum().backward()
    assert layer.weight.grad.count_nonzero() == reading.met**2
