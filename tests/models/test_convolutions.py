"""Layers are found by what they are and what they read, in the order of execution."""

import pytest
import torch
from torch import nn

from keyfilters.models.build import build
from keyfilters.models.convolutions import (
    batch_norms,
    depthwise_layers,
    is_depthwise,
    main_path,
    map_sizes,
    pointwise_layers,
)
from keyfilters.models.registry import ARCHITECTURES, layer_count, readings


def unfilled(architecture, **arguments):
    with torch.device("meta"):
        return build({"architecture": architecture, **arguments}, classes=10)


@pytest.mark.parametrize(
    ("architecture", "layers", "filters", "pointwise", "convolutions"),
    [
        ("convnext_femto", 12, 2_208, 24, 40),
        ("convnext_tiny", 18, 6_624, 36, 22),  # timm's tiny has pointwise layers as Linear
        ("hornet_tiny", 25, 11_488, 170, 149),
        ("resnet50", 0, 0, 36, 49),
        ("yosinski8", 0, 0, 1, 7),
    ],
)
def test_counts_per_architecture(architecture, layers, filters, pointwise, convolutions):
    network = unfilled(architecture)
    layers_by_name = depthwise_layers(network)
    assert len(layers_by_name) == layers
    assert sum(len(convolution.weight) for convolution in layers_by_name.values()) == filters
    assert {tuple(convolution.weight.shape[1:]) for convolution in layers_by_name.values()} <= {(1, 7, 7)}
    assert len(pointwise_layers(network)) == pointwise
    assert len(main_path(network)) == convolutions


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if not name.startswith("lowres_")])
@pytest.mark.parametrize("arguments", [{}, {"depths": (1, 2, 1, 1), "layers": (1, 2, 1, 1)}])
def test_the_number_of_layers_is_known_without_building(architecture, arguments):
    arguments = {name: value for name, value in arguments.items() if name in ARCHITECTURES[architecture].arguments}
    network = unfilled(architecture, **arguments)
    assert layer_count(architecture, arguments) == len(depthwise_layers(network) or main_path(network))


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if not name.startswith("lowres_")])
def test_the_registry_knows_the_choices_that_a_transfer_has(architecture):
    network = unfilled(architecture)
    layers = [[layer] for layer in depthwise_layers(network).items()]
    layers = layers or [list(layer.items()) for layer in main_path(network)]
    norms = batch_norms(network)
    has = {
        "bias": any(module.bias is not None for layer in layers for _, module in layer),
        "batch_norm": any(name in norms for layer in layers for name, _ in layer),
        "projections": any(len(layer) > 1 for layer in layers),
    }
    assert {choice for choice in has if has[choice]} == {*ARCHITECTURES[architecture].choices}


@pytest.mark.parametrize("architecture", ["convnext_femto", "hornet_tiny", "resnet50"])
def test_maps_that_layers_read_are_those_of_the_registry(architecture):
    network = unfilled(architecture)
    layers = list(depthwise_layers(network)) or [next(iter(layer)) for layer in main_path(network)]
    sizes = map_sizes(network)
    assert [sizes[name] for name in layers] == [(reading.map,) * 2 for reading in readings(architecture, {}, 224)]


def test_pointwise_layers_are_equal_as_convolution_and_as_linear():
    as_convolution, as_linear = (pointwise_layers(unfilled("convnext_femto", conv_mlp=is_)) for is_ in (True, False))
    assert list(as_convolution) == list(as_linear)
    for one, other in zip(as_convolution.values(), as_linear.values(), strict=True):
        assert isinstance(one, nn.Conv2d)
        assert isinstance(other, nn.Linear)
        assert one.weight.shape[:2] == other.weight.shape


def test_a_projection_stands_beside_the_first_convolution_of_its_block():
    beside = [list(layer) for layer in main_path(unfilled("resnet50")) if len(layer) > 1]
    assert beside == [[f"layer{stage}.0.conv1", f"layer{stage}.0.downsample.0"] for stage in (1, 2, 3, 4)]


def test_every_convolution_of_a_resnet_has_a_batch_norm_of_its_own():
    network = unfilled("resnet50")
    norms = batch_norms(network)
    assert {*norms} == {name for layer in main_path(network) for name in layer}
    assert norms["conv1"] == ("bn1", network.bn1)
    assert norms["layer1.0.downsample.0"].name == "layer1.0.downsample.1"
    assert len({norm.name for norm in norms.values()}) == 53


def test_layers_stand_in_the_order_of_execution():
    network = unfilled("hornet_tiny", depths=[1, 1, 1, 1])
    registered = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    executed = [name for layer in main_path(network) for name in layer]
    assert sorted(registered) == sorted(executed)
    assert registered[:2] == ["downsample_layers.0.0", "downsample_layers.1.1"]
    assert executed[:2] == ["downsample_layers.0.0", "stages.0.0.gnconv.proj_in"]


class Backwards(nn.Module):
    """Executed in the order opposite to registration, one layer twice, one never."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.unused = nn.Conv2d(4, 4, 3, groups=4)
        self.last = nn.Conv2d(4, 4, 3, groups=4)
        self.first = nn.Conv2d(4, 4, 3, groups=4)
        self.stem = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout()

    def forward(self, x):
        x = self.drop(self.norm(self.last(self.first(self.first(self.stem(x))))))
        return self.head(x.mean((2, 3)))


def test_only_what_is_executed_counts_once():
    network = Backwards()
    assert list(depthwise_layers(network)) == ["first", "last"]
    assert [list(layer) for layer in main_path(network)] == [["stem"], ["first"], ["last"]]
    assert {name: norm.name for name, norm in batch_norms(network).items()} == {"last": "norm"}
    assert not pointwise_layers(network)


def test_looking_changes_nothing():
    network = Backwards().train()
    network.drop.eval()
    before, generator = {k: v.clone() for k, v in network.state_dict().items()}, torch.get_rng_state()
    depthwise_layers(network)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert not any(module._forward_pre_hooks for module in network.modules())
    assert network.training
    assert not network.drop.training


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
