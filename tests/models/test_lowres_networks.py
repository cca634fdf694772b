"""The low-resolution networks have the published forms: parameters, kernels, maps, and random weights."""

import pytest
import torch
from torch import nn

from keyfilters.errors import KeyfiltersError
from keyfilters.models.build import build
from keyfilters.models.lowres import FORMS
from keyfilters.models.registry import ARCHITECTURES, layer_count

# Parameters, and kernels of regular 3x3 convolutions, with 10 classes and 3 channels.
COUNTS = {
    "lowres_resnet9": (6_573_120, 729_280),
    "lowres_resnet14": (2_777_674, 303_296),
    "lowres_resnet18": (11_173_962, 1_220_800),
    "lowres_resnet34": (21_282_122, 2_343_104),
    "lowres_resnet50": (23_520_842, 1_257_664),
    "lowres_resnet101": (42_512_970, 2_371_776),
    "lowres_resnet152": (58_156_618, 3_289_280),
    "lowres_vgg11": (28_144_010, 1_024_192),
    "lowres_vgg13": (28_328_522, 1_044_672),
    "lowres_vgg16": (33_638_218, 1_634_496),
    "lowres_vgg19": (38_947_914, 2_224_320),
    "lowres_vgg11_bn": (28_149_514, 1_024_192),
    "lowres_vgg13_bn": (28_334_410, 1_044_672),
    "lowres_vgg16_bn": (33_646_666, 1_634_496),
    "lowres_vgg19_bn": (38_958_922, 2_224_320),
    "lowres_mobilenet_v2": (2_236_682, 96),
    "lowres_densenet121": (6_956_426, 237_760),
    "lowres_densenet161": (26_482_570, 719_136),
    "lowres_densenet169": (12_493_450, 336_064),
    "lowres_googlenet": (5_490_986, 356_672),
    "lowres_inception_v3": (21_638_954, 614_976),
    "lowres_alexnet": (35_855_178, 250_048),
}

# Millions of parameters, as the README of PyTorch_CIFAR10 has them, where the authors have these forms from.
PUBLISHED = {
    "vgg11_bn": 28.150,
    "vgg13_bn": 28.334,
    "vgg16_bn": 33.647,
    "vgg19_bn": 38.959,
    "resnet18": 11.174,
    "resnet34": 21.282,
    "resnet50": 23.521,
    "densenet121": 6.956,
    "densenet161": 26.483,
    "densenet169": 12.493,
    "mobilenet_v2": 2.237,
    "googlenet": 5.491,
    "inception_v3": 21.640,
}


def shape_of(architecture, **arguments):
    """The network without weights."""
    with torch.device("meta"):
        return build({"architecture": architecture, **arguments}, classes=10)


def small(architecture, classes=7, **arguments):
    return build({"architecture": architecture, "width": 1 / 8, **arguments}, classes)


def test_every_form_is_an_architecture_that_a_study_can_name():
    assert set(FORMS) == set(COUNTS) == {name for name in ARCHITECTURES if name.startswith("lowres_")}


@pytest.mark.parametrize("architecture", COUNTS)
def test_parameters_and_kernels(architecture):
    network = shape_of(architecture)
    regular = [
        layer.in_channels * layer.out_channels
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.kernel_size == (3, 3)
    ]
    assert (sum(weight.numel() for weight in network.parameters()), sum(regular)) == COUNTS[architecture]


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_the_published_ones(name):
    assert COUNTS[f"lowres_{name}"][0] / 1e6 == pytest.approx(PUBLISHED[name], abs=0.0011)


@pytest.mark.parametrize("architecture", COUNTS)
def test_images_of_32_px_become_scores_at_an_eighth_of_the_width(architecture):
    network = small(architecture)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    assert (first.kernel_size, first.stride, first.in_channels) == ((3, 3), (1, 1), 3)


@pytest.mark.parametrize(
    ("architecture", "layer", "pixels"),
    [
        ("lowres_resnet9", "layer4.conv", 8),
        ("lowres_resnet14", "layer3", 4),
        ("lowres_resnet18", "layer1", 16),
        ("lowres_resnet18", "layer4", 2),
        ("lowres_vgg11", "features", 1),
        ("lowres_mobilenet_v2", "features.0", 32),
        ("lowres_mobilenet_v2", "features", 4),
        ("lowres_densenet121", "features", 2),
        ("lowres_googlenet", "inception3a", 32),
        ("lowres_googlenet", "inception5b", 8),
        ("lowres_inception_v3", "Mixed_5b", 32),
        ("lowres_inception_v3", "Mixed_7c", 7),
        ("lowres_alexnet", "features", 4),
    ],
)
def test_maps_are_as_wide_as_the_docstring_says(architecture, layer, pixels):
    network, shapes = small(architecture), []
    network.get_submodule(layer).register_forward_hook(lambda *call: shapes.append(call[2].shape))
    network(torch.zeros(2, 3, 32, 32))
    assert shapes[0][2:] == (pixels, pixels)


@pytest.mark.parametrize("architecture", COUNTS)
def test_a_network_for_grey_images_has_one_channel_and_reads_no_other(architecture):
    network = small(architecture, in_channels=1).eval()
    assert next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d)).weight.shape[1] == 1
    images = torch.randn(2, 3, 32, 32)
    others = images.clone()
    others[:, 1:] = 0
    assert torch.equal(network(images), network(others))
    assert not torch.equal(network(images), network(images.flip(1)))


def test_channels_must_stay_whole_numbers():
    with pytest.raises(KeyfiltersError, match=r"width 0\.3 makes 19\.2 of 64 channels") as caught:
        build({"architecture": "lowres_resnet18", "width": 0.3}, classes=10)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vgg11_bn", "densenet121", "mobilenet_v2", "alexnet"])
def test_random_weights_spread_as_torchvisions(name):
    torch.manual_seed(0)
    network = build({"architecture": f"lowres_{name}"}, classes=10)
    import torchvision  # after what lets it be imported

    theirs = dict(getattr(torchvision.models, name)(num_classes=10).named_parameters())
    compared = 0
    for weight_name, weight in network.named_parameters():
        other = theirs[weight_name]
        if weight.shape == other.shape and weight.numel() > 10_000:
            assert weight.std().item() == pytest.approx(other.std().item(), rel=0.05), weight_name
            compared += 1
        elif weight.shape == other.shape and other.std() == 0:
            assert torch.equal(weight, other), weight_name
    assert compared > 3


def test_a_narrow_network_is_drawn_for_its_own_width():
    weights = small("lowres_resnet18").layer4[1].conv2.weight
    assert weights.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.05)
    torch.manual_seed(0)
    features = torch.rand(200, 512)
    whole, narrow = (build({"architecture": "lowres_vgg11", "width": width}, classes=10) for width in (1, 1 / 8))
    spread, other = (
        network.classifier[0](features[:, : network.classifier[0].in_features]).std().item()
        for network in (whole, narrow)
    )
    assert other == pytest.approx(spread, rel=0.15)


def test_networks_of_two_seeds_differ_and_of_one_do_not():
    def drawn(seed):
        torch.manual_seed(seed)
        return small("lowres_resnet9").state_dict()

    first, again, other = drawn(0), drawn(0), drawn(1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["layer1.conv.weight"], other["layer1.conv.weight"])


def test_a_network_without_weights_moves_no_generator():
    before = torch.get_rng_state()
    assert all(weight.is_meta for weight in shape_of("lowres_googlenet").parameters())
    assert torch.equal(before, torch.get_rng_state())


def test_they_take_no_transfers():
    with pytest.raises(ValueError, match="lowres_vgg11 is no network of transfers"):
        layer_count("lowres_vgg11", {})
