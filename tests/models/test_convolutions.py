"""Depthwise convolutions are found by what they are."""

import pytest
import torch
from torch import nn

from keyfilters.models.build import build
from keyfilters.models.convolutions import depthwise_layers, is_depthwise


@pytest.mark.parametrize(
    ("architecture", "layers", "filters"),
    [("convnext_femto", 12, 2208), ("convnext_tiny", 18, 6624)],
)
@pytest.mark.parametrize("conv_mlp", [True, False])
def test_counts_per_architecture(architecture, layers, filters, conv_mlp):
    with torch.device("meta"):
        found = depthwise_layers(build({"architecture": architecture, "conv_mlp": conv_mlp}, classes=10))
    assert len(found) == layers
    assert sum(len(convolution.weight) for convolution in found.values()) == filters
    assert {tuple(convolution.weight.shape[1:]) for convolution in found.values()} == {(1, 7, 7)}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Conv2d(4, 4, 3, groups=4), True),
        (nn.Conv2d(4, 8, 3, groups=4), True),
        (nn.Conv2d(4, 4, 3, groups=2), False),
        (nn.Conv2d(1, 4, 3), False),
        (nn.Conv2d(4, 4, 1), False),
        (nn.Conv1d(4, 4, 3, groups=4), False),
        (nn.Linear(4, 4), False),
    ],
)
def test_depthwise_is_one_group_per_channel_and_more_than_one(module, expected):
    assert is_depthwise(module) is expected
