"""Networks that PyTorch exports are read back as their modules are."""

import itertools

import pytest
import torch
from torch import nn

from keyfilters.errors import KeyfiltersError
from keyfilters.filters.onnx_export import export
from keyfilters.models.build import build
from keyfilters.models.convolutions import main_path
from keyfilters.zoo.readers.onnx import read


def small():
    """Convolutions of all kinds with BatchNorm after each, whose factors are not 1."""
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False),
        nn.BatchNorm2d(6),
        nn.Conv2d(6, 6, 5, groups=6, bias=False),
        nn.BatchNorm2d(6),
        nn.Conv2d(6, 4, 3, groups=2),
        nn.Conv2d(4, 4, 1),
    )
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 2, 3)
            nn.init.uniform_(module.running_var, 2, 3)
    return network


def read_back(network, folder):
    export(network, 32, folder / "network.onnx")
    return read(folder / "network.onnx")


def test_every_kind_of_convolution_is_read_back_in_its_place(tmp_path):
    network = small()
    exported = read_back(network, tmp_path)
    assert [(layer.name, layer.kind, layer.groups, layer.stride, layer.depth) for layer in exported.convolutions] == [
        ("0", "regular", 1, (2, 2), 1),
        ("3", "transposed", 2, (1, 1), 4),
        ("5", "depthwise", 6, (1, 1), 6),
        ("7", "grouped", 2, (1, 1), 8),
        ("8", "pointwise", 1, (1, 1), 9),
    ]
    assert exported.operators == {"Conv": 4, "ConvTranspose": 1, "BatchNormalization": 3, "Relu": 1}
    assert network.training  # as it was
    for layer in exported.convolutions:
        weight = network.get_submodule(layer.name).weight.detach()
        if layer.kind == "transposed":  # [4, 3, 3, 3] of two groups, each 2 -> 3 channels
            weight = torch.cat([group.swapaxes(0, 1) for group in weight.chunk(2)])
        assert layer.load().tobytes() == weight.numpy().tobytes()


@pytest.mark.parametrize(
    "model",
    [
        {"architecture": "convnext_femto", "depths": [1, 1, 1, 1], "dims": [8, 16, 24, 32]},
        {"architecture": "hornet_tiny", "depths": [1, 1, 1, 1], "base_dim": 16},
        {"architecture": "resnet50", "layers": [1, 1, 1, 1], "channels": [8, 16, 24, 32]},
    ],
    ids=lambda model: model["architecture"],
)
def test_the_studies_networks_are_read_back_bit_for_bit(model, tmp_path):
    network = build(model, classes=3)
    exported = read_back(network, tmp_path)
    modules = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    assert {layer.name: layer.groups for layer in exported.convolutions} == {n: m.groups for n, m in modules.items()}
    for layer in exported.convolutions:
        assert layer.load().tobytes() == modules[layer.name].weight.detach().numpy().tobytes()
    depths = {layer.name: layer.depth for layer in exported.convolutions}
    for before, after in itertools.pairwise(main_path(network)):
        assert max(depths[name] for name in before) < min(depths[name] for name in after)
    assert not exported.left_out


@pytest.mark.fault("extract", "a network that torch cannot export", "one line names it")
def test_a_network_that_cannot_be_traced_is_told(tmp_path):
    class Doubtful(nn.Sequential):
        def forward(self, images):
            return images if images.sum() > 0 else self[0](images)

    with pytest.raises(KeyfiltersError, match="Doubtful cannot be exported to ONNX") as error:
        read_back(Doubtful(nn.Conv2d(3, 4, 3)), tmp_path)
    assert "\n" not in str(error.value)
