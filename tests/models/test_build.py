"""Networks are built from a study's `model` settings, and wrong settings are one line."""

import pytest
import torch

from keyfilters.errors import KeyfiltersError
from keyfilters.models.build import build
from keyfilters.models.hornet import VARIANTS
from keyfilters.models.registry import ARCHITECTURES

SMALL = {
    "convnext_femto": {"dims": [8, 8, 16, 16], "patch_size": 2, "kernel_sizes": 5},
    "hornet_tiny": {"depths": [1, 1, 1, 1], "base_dim": 8, "patch_size": 2},
    "resnet50": {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16]},
    "yosinski8": {"width": 1 / 16, "patch_size": 1, "map_size": 3},
}


@pytest.mark.parametrize("architecture", SMALL)
def test_images_of_32_px_go_in_and_scores_come_out(architecture):
    network = build({"architecture": architecture, **SMALL[architecture]}, classes=5).eval()
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 5)


@pytest.mark.parametrize(("pixels", "arguments"), [(224, {}), (32, {"patch_size": 1, "map_size": 3})])
def test_the_sixth_layer_of_the_plain_network_covers_the_whole_map(pixels, arguments):
    with torch.device("meta"):
        network = build({"architecture": "yosinski8", **arguments}, classes=10)
        map_of_conv5 = network[: list(dict(network.named_children())).index("map")](torch.empty(1, 3, pixels, pixels))
    assert map_of_conv5.shape[2:] == network.fc6.kernel_size
    assert [len(getattr(network, name).weight) for name in ("conv1", "conv5", "fc6", "fc7")] == [96, 256, 4096, 4096]


def test_every_hornet_can_be_named_in_a_study():
    assert set(VARIANTS) == {name for name in ARCHITECTURES if name.startswith("hornet")}


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ({"architecture": "convnext_huge"}, ["convnext_huge", "convnext_femto"]),
        ({"architecture": "resnet50", "depths": [1, 1]}, ["resnet50", "'depths'", "layers"]),
        ({"architecture": "yosinski8", "dims": [1]}, ["yosinski8", "'dims'", "width"]),
        ({"architecture": "convnext_femto", "depths": [2, 2]}, ["convnext_femto", "'depths': [2, 2]"]),
        ({"architecture": "hornet_tiny", "base_dim": 7}, ["base_dim 7"]),
    ],
)
def test_wrong_settings_are_one_line_errors(model, named):
    with pytest.raises(KeyfiltersError) as caught:
        build(model, classes=5)
    assert "\n" not in str(caught.value)
    for part in named:
        assert part in str(caught.value)
