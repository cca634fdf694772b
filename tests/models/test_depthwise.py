"""Depthwise layers with a backward pass of their own are PyTorch's layers: the same function, the same gradients."""

from copy import deepcopy
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from keyfilters.models import depthwise
from keyfilters.models.build import build
from keyfilters.models.convolutions import depthwise_layers
from keyfilters.models.depthwise import DepthwiseConv2d, DepthwiseConvolution, use_own_backward

CHANNELS = 3
FEMTO = {"architecture": "convnext_femto", "dims": [4, 8, 8, 8], "depths": [1, 1, 1, 1], "ls_init_value": 0.1}
HORNET = {"architecture": "hornet_tiny", "base_dim": 8, "depths": [1, 1, 1, 1], "ls_init_value": 0.1}
MOBILENET = {"architecture": "lowres_mobilenet_v2", "width": 0.25}

# kernel, stride, padding, dilation, map: both ways of each gradient, kernels wider than their map, and odd shapes
GEOMETRIES = [
    ((7, 7), 1, 3, 1, (1, 1)),
    ((7, 7), 1, 3, 1, (2, 2)),
    ((7, 7), 1, 3, 1, (8, 8)),
    ((7, 7), 1, 3, 1, (17, 17)),
    ((7, 7), 1, 0, 1, (9, 8)),
    ((7, 7), 1, 8, 1, (4, 4)),
    ((5, 7), 1, (1, 3), 1, (6, 5)),
    ((6, 5), 1, (2, 0), 1, (4, 7)),
    ((3, 3), 1, 1, 1, (8, 8)),
    ((3, 3), 2, 1, 1, (9, 8)),
    ((7, 7), (1, 2), 3, 1, (8, 8)),
    ((5, 5), 1, 4, 2, (8, 8)),
]


def layers(kernel, stride, padding, dilation, bias=True, multiplier=1, dtype=torch.float32):
    """PyTorch's layer, and its copy that has gradients of its own."""
    torch.manual_seed(0)
    theirs = nn.Sequential(
        nn.Conv2d(CHANNELS, multiplier * CHANNELS, kernel, stride, padding, dilation, CHANNELS, bias, dtype=dtype)
    )
    ours = deepcopy(theirs)
    use_own_backward(ours)
    assert type(ours[0]) is DepthwiseConv2d
    return theirs, ours


def gradients(network, maps):
    """Output of the network, the gradients of a nonlinear function of it by the maps and by all that trains."""
    torch.manual_seed(1)  # of dropout
    maps = maps.clone(memory_format=torch.preserve_format).requires_grad_()
    out = network(maps)
    out.square().sum().backward()
    return [out.detach(), maps.grad, *(weight.grad for weight in network.parameters())]


def assert_equal(ours, theirs, tolerance):
    for one, other in zip(ours, theirs, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert one.dtype == other.dtype
            torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance * max(1, other.abs().max().item()))


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_gradients_are_those_of_pytorch(geometry, dtype, frozen, memory_format):
    *arguments, size = geometry
    for bias, multiplier in product((True, False), (1, 2)):
        theirs, ours = layers(*arguments, bias=bias, multiplier=multiplier, dtype=dtype)
        for network in (theirs, ours):
            network.to(memory_format=memory_format)[0].weight.requires_grad_(not frozen)
        maps = torch.randn(5, CHANNELS, *size, dtype=dtype).to(memory_format=memory_format)
        tolerance = 2e-5 if dtype == torch.float32 else 1e-12
        assert_equal(gradients(ours, maps), gradients(theirs, maps), tolerance)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_gradients_are_those_of_the_function(geometry):
    kernel, stride, padding, dilation, size = geometry
    pair = [(value, value) if isinstance(value, int) else value for value in (stride, padding, dilation)]
    torch.manual_seed(0)
    maps, weight, bias = (
        torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((2, 2, *size), (2, 1, *kernel), (2,))
    )
    assert torch.autograd.gradcheck(DepthwiseConvolution.apply, (maps, weight, bias, *pair), fast_mode=True)


@pytest.mark.parametrize("model", [FEMTO, HORNET, MOBILENET], ids=lambda model: model["architecture"])
@pytest.mark.parametrize("frozen", [False, True])
def test_a_network_trains_as_before(model, frozen):
    torch.manual_seed(0)
    theirs = build(model, classes=5)
    for layer in depthwise_layers(theirs).values() if frozen else ():
        layer.weight.requires_grad_(False)
    theirs.to(torch.float64, memory_format=torch.channels_last)
    ours = deepcopy(theirs)
    use_own_backward(ours)
    maps = torch.randn(4, 3, 64, 64, dtype=torch.float64).to(memory_format=torch.channels_last)
    assert_equal(gradients(ours, maps), gradients(theirs, maps), 1e-10)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    with_own, before = (depthwise_layers(network.float()) for network in (ours, theirs))
    assert list(with_own) == list(before)
    assert {type(layer) for layer in with_own.values()} == {DepthwiseConv2d}


def test_two_runs_have_the_same_bits():
    _, ours = layers(7, 1, 3, 1)
    maps = torch.randn(64, CHANNELS, 8, 8)
    first = gradients(ours, maps)
    ours.zero_grad()
    assert all(torch.equal(one, other) for one, other in zip(first, gradients(ours, maps), strict=True))


def test_of_a_frozen_kernel_no_gradient_is_made(monkeypatch):
    monkeypatch.setattr(depthwise, "_weight_gradient", None)
    monkeypatch.setattr(depthwise, "conv2d_weight", None)
    _, ours = layers(7, 1, 3, 1)
    ours[0].weight.requires_grad_(False)
    *_, weight, bias = gradients(ours, torch.randn(2, CHANNELS, 8, 8))
    assert weight is None
    assert bias is not None
    ours[0].weight.requires_grad_(True)
    with pytest.raises(TypeError):
        gradients(ours, torch.randn(2, CHANNELS, 8, 8))


def test_images_that_need_no_gradient_get_none(monkeypatch):
    monkeypatch.setattr(depthwise, "conv2d", lambda *arguments, **named: calls.append(1) or conv2d(*arguments, **named))
    calls = []
    _, ours = layers(7, 1, 3, 1)
    ours(torch.randn(2, CHANNELS, 8, 8)).sum().backward()
    assert len(calls) == 1  # forward alone


@pytest.mark.parametrize(
    "change",
    [
        lambda layer, maps: (layer.to(torch.bfloat16), maps.to(torch.bfloat16)),
        lambda layer, maps: (setattr(layer, "padding", "same"), maps),
        lambda layer, maps: (setattr(layer, "padding_mode", "reflect"), maps),
        lambda layer, maps: (layer.to("meta"), maps.to("meta")),
        lambda layer, maps: (layer, maps[0]),
    ],
    ids=["bfloat16", "padding by name", "reflected", "another device", "no batch"],
)
def test_where_it_does_not_apply_the_layer_is_pytorchs(change, monkeypatch):
    monkeypatch.setattr(depthwise, "DepthwiseConvolution", None)
    theirs, ours = layers(7, 1, 3, 1)
    images = torch.randn(2, CHANNELS, 8, 8)
    (_, maps), _ = change(ours[0], images), change(theirs[0], images)
    out = ours(maps)
    if not out.is_meta:
        assert torch.equal(out, theirs(maps))


@pytest.mark.parametrize(
    "context",
    [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)],
    ids=["no_grad", "inference", "autocast"],
)
def test_without_gradients_and_under_autocast_it_is_pytorchs(context, monkeypatch):
    monkeypatch.setattr(depthwise, "DepthwiseConvolution", None)
    theirs, ours = layers(7, 1, 3, 1)
    maps = torch.randn(2, CHANNELS, 8, 8)
    with context():
        assert torch.equal(ours(maps), theirs(maps))


def test_an_export_sees_a_convolution():
    _, ours = layers(7, 1, 3, 1)
    program = torch.export.export(ours, (torch.randn(2, CHANNELS, 8, 8),))
    assert "conv2d" in str(program.graph)


def test_other_layers_stay_as_they_are():
    class Derived(nn.Conv2d):
        pass

    network = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3, groups=2), Derived(4, 4, 3, groups=4))
    before = [type(module) for module in network]
    use_own_backward(network)
    assert [type(module) for module in network] == before
