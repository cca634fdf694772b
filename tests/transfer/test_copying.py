"""Filters of one network arrive in another as the arrangement says, or the error names both sides."""

import pytest
import torch

from keyfilters.config.transfer import STACKINGS, Transfer
from keyfilters.errors import KeyfiltersError
from keyfilters.models.build import build
from keyfilters.models.convolutions import batch_norms, depthwise_layers, pointwise_layers
from keyfilters.transfer.copying import NORM_KINDS, End, copy_filters

FEMTO = {"architecture": "convnext_femto", "dims": [4, 4, 8, 8], "patch_size": 2}  # 8, 8, 48 and 16 filters
HORNET = {"architecture": "hornet_tiny", "depths": [1, 1, 1, 1], "base_dim": 8, "patch_size": 2}  # 12, 28, 60, 124
RESNET = {"architecture": "resnet50", "layers": [1, 1, 1, 1], "channels": [4, 4, 8, 8]}
PLAIN = {"architecture": "yosinski8", "width": 1 / 32, "patch_size": 1, "map_size": 3}


def random(role, model):
    """A network, no two of whose parameters and statistics are equal, as one end of a transfer."""
    network = build(model, classes=3)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.normal_() if tensor.is_floating_point() else tensor.random_()
    return End(f"the {role} {model['architecture']}", network)


def transferred(source_model, target_model, seed=0, **settings):
    """Source and target after the transfer, and the names of the filled parameters."""
    source, target = random("source", source_model), random("target", target_model)
    names = copy_filters(source, target, Transfer(**settings), seed)
    return source.network, target.network, names


def stack(network, kind="weight"):
    """The depthwise filters of all layers end to end."""
    return torch.cat([getattr(module, kind).detach() for module in depthwise_layers(network).values()])


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize(
    ("model", "settings", "count"),
    [
        (FEMTO, {"layers": "depthwise"}, 12),
        (FEMTO, {"layers": "depthwise", "bias": "copied"}, 24),
        (FEMTO, {"layers": "depthwise", "first": 5}, 5),
        (FEMTO, {"layers": "pointwise"}, 24),
        (FEMTO, {"layers": "convolutions"}, 12 + 24 + 5),
        (HORNET, {"layers": "pointwise", "bias": "copied"}, 2 * (4 * 4 + 10)),
        (PLAIN, {"layers": "convolutions"}, 7),
        (PLAIN, {"layers": "convolutions", "first": 3, "bias": "copied"}, 6),
        (RESNET, {"layers": "convolutions"}, 13 + 4),
        (RESNET, {"layers": "convolutions", "first": 2}, 2 + 1),
        (RESNET, {"layers": "convolutions", "bias": "copied", "projections": "trained"}, 13),
        (RESNET, {"layers": "convolutions", "batch_norm": "copied"}, 5 * (13 + 4)),
        (RESNET, {"layers": "convolutions", "batch_norm": "copied", "first": 2}, 5 * (2 + 1)),
        (RESNET, {"layers": "convolutions", "batch_norm": "copied", "projections": "trained"}, 5 * 13),
        (RESNET, {"layers": "pointwise", "batch_norm": "copied"}, 5 * (8 + 4)),
    ],
)
def test_in_place_every_parameter_goes_to_its_own_place_and_no_other_moves(model, settings, count, frozen):
    source, target, names = transferred(model, model, **settings, frozen=frozen)
    assert len(names) == len(set(names)) == count
    theirs = source.state_dict()
    for name, tensor in target.state_dict().items():
        assert torch.equal(tensor, theirs[name]) == (name in names), name
    for name, parameter in target.named_parameters():
        assert parameter.requires_grad == (not frozen or name not in names), name


def test_pointwise_filters_go_from_convolutions_into_linears():
    source, target, _ = transferred(FEMTO | {"conv_mlp": True}, FEMTO | {"conv_mlp": False}, layers="pointwise")
    for ours, theirs in zip(pointwise_layers(target).values(), pointwise_layers(source).values(), strict=True):
        assert torch.equal(ours.weight, theirs.weight[:, :, 0, 0])


def test_a_larger_source_is_stacked_from_its_beginning():
    source, target, _ = transferred(HORNET, FEMTO, arrangement="stacked", bias="copied")
    assert len(stack(source)) == 224
    assert torch.equal(stack(target), stack(source)[:80])
    assert torch.equal(stack(target, "bias"), stack(source, "bias")[:80])


def test_a_smaller_source_is_stacked_again_from_its_beginning():
    source, target, _ = transferred(FEMTO, HORNET, arrangement="stacked")
    assert torch.equal(stack(target), torch.cat([stack(source)] * 3)[:224])


STAGES = ((0, 2), (2, 4), (4, 10), (10, 12))  # of FEMTO's layers; HORNET has one in each stage


def by_stage(network, stages):
    """The depthwise filters of each stage end to end."""
    weights = [module.weight.detach() for module in depthwise_layers(network).values()]
    return [torch.cat(weights[first:last]) for first, last in stages]


@pytest.mark.parametrize(("first", "stages"), [(None, 4), (4, 2)])
def test_stacked_by_stage_a_stage_has_filters_of_the_sources_same_stage_from_their_beginning(first, stages):
    source, target, names = transferred(HORNET, FEMTO, arrangement="stacked by stage", first=first)
    assert len(names) == (first or 12)
    theirs = by_stage(source, [(layer, layer + 1) for layer in range(4)])
    for one, other in list(zip(theirs, by_stage(target, STAGES), strict=True))[:stages]:
        assert torch.equal(other, torch.cat([one] * 2)[: len(other)])
    assert not torch.equal(stack(target), stack(source)[:80])


def test_stacked_by_stage_a_smaller_stage_is_repeated_within_the_stage():
    source, target, _ = transferred(FEMTO, HORNET, arrangement="stacked by stage")
    theirs, ours = by_stage(source, STAGES), by_stage(target, [(layer, layer + 1) for layer in range(4)])
    for one, other in zip(theirs, ours, strict=True):
        assert torch.equal(other, torch.cat([one] * 8)[: len(other)])


@pytest.mark.parametrize("arrangement", STACKINGS)
def test_stacked_filters_lie_in_place_between_networks_of_one_shape(arrangement):
    source, target, _ = transferred(FEMTO, FEMTO, arrangement=arrangement, bias="copied")
    assert torch.equal(stack(target), stack(source))
    assert torch.equal(stack(target, "bias"), stack(source, "bias"))


def test_linear_layers_belong_to_the_stage_whose_maps_they_read():
    source, target, _ = transferred(
        FEMTO | {"conv_mlp": True}, FEMTO | {"conv_mlp": False}, layers="pointwise", arrangement="stacked by stage"
    )
    for ours, theirs in zip(pointwise_layers(target).values(), pointwise_layers(source).values(), strict=True):
        assert torch.equal(ours.weight, theirs.weight[:, :, 0, 0])


def test_only_the_first_layers_of_the_target_are_filled_from_the_stack():
    source, target, names = transferred(HORNET, FEMTO, arrangement="stacked", first=3)
    assert len(names) == 3
    assert torch.equal(stack(target)[:12], stack(source)[:12])
    assert (stack(target)[12:] != stack(source)[12:80]).all()


def test_shuffled_filters_are_all_there_and_carry_their_bias():
    source, target, _ = transferred(FEMTO, FEMTO, arrangement="shuffled", bias="copied")
    carried = {tuple(row) for row in torch.column_stack([stack(source).flatten(1), stack(source, "bias")]).tolist()}
    copied = {tuple(row) for row in torch.column_stack([stack(target).flatten(1), stack(target, "bias")]).tolist()}
    assert copied == carried
    assert not torch.equal(stack(target), stack(source))


def depthwise(network):
    """The network with its 3x3 convolutions made depthwise, so that their filters fit into each other's places."""
    for name, module in dict(network.named_modules()).items():
        if isinstance(module, torch.nn.Conv2d) and module.kernel_size == (3, 3):
            channels = module.in_channels
            how = {"stride": module.stride, "padding": 1, "groups": channels, "bias": False}
            network.set_submodule(name, torch.nn.Conv2d(channels, channels, 3, **how))
    return network


def with_norms(network):
    """The depthwise filters of all layers, one a row, each with the affine part and the statistics of its BatchNorm."""
    norms = batch_norms(network)
    values = [
        torch.stack([norms[name].module.state_dict()[kind] for kind in NORM_KINDS], 1)
        for name in depthwise_layers(network)
    ]
    return torch.column_stack([stack(network).flatten(1), torch.cat(values)])


@pytest.mark.parametrize("arrangement", ["stacked", "shuffled"])
def test_filters_in_other_places_carry_their_batch_norm(arrangement):
    source, target = (End(role, depthwise(random(role, RESNET).network)) for role in ("source", "target"))
    copy_filters(source, target, Transfer(arrangement=arrangement, batch_norm="copied", frozen=False), 0)
    theirs, ours = with_norms(source.network), with_norms(target.network)
    assert sorted(ours.tolist()) == sorted(theirs.tolist())
    assert torch.equal(ours, theirs) == (arrangement == "stacked")


@pytest.mark.parametrize("first", [None, 3])
def test_the_seed_decides_the_shuffle_and_every_first_layer_is_filled_alike(first):
    source, target = random("source", FEMTO), random("target", FEMTO)
    filled = []
    for seed, n in ((7, None), (7, first), (8, first)):
        copy_filters(source, target, Transfer(arrangement="shuffled", first=n), seed)
        filled.append(stack(target.network)[:12])
    assert torch.equal(filled[0], filled[1])
    assert not torch.equal(filled[1], filled[2])


def test_the_sources_first_layers_are_repeated_to_fill_all():
    source, target, _ = transferred(FEMTO, FEMTO, arrangement="repeated", repeat_first=3)
    assert torch.equal(stack(target), torch.cat([stack(source)[: 4 + 4 + 4]] * 7)[:80])


def test_kernels_of_another_size_are_cropped_or_padded_on_demand():
    source, target, _ = transferred(FEMTO, FEMTO | {"kernel_sizes": 5}, kernel_size="fit")
    assert torch.equal(stack(target), stack(source)[:, :, 1:6, 1:6])
    source, target, _ = transferred(FEMTO | {"kernel_sizes": 3}, FEMTO, kernel_size="fit", arrangement="stacked")
    assert torch.equal(stack(target)[:, :, 2:5, 2:5], stack(source))
    assert stack(target).count_nonzero() == stack(source).numel()


CONV_DW = "stages.0.blocks.0.conv_dw"


@pytest.mark.fault(
    "transfer", "filters that do not fit the network that they go into", "one line names both layers with their shapes"
)
@pytest.mark.parametrize(
    ("source", "target", "settings", "named"),
    [
        (FEMTO, FEMTO, {"first": 13}, ["first is 13", "12 layers", "target convnext_femto"]),
        (HORNET, FEMTO, {"arrangement": "repeated", "repeat_first": 5}, ["is 5", "4 layers", "source hornet_tiny"]),
        (RESNET, FEMTO, {}, ["source resnet50 has no depthwise layers"]),
        (FEMTO, PLAIN, {}, ["target yosinski8 has no depthwise layers"]),
        (HORNET, FEMTO, {}, ["source hornet_tiny has 4 layers", "12 of the target convnext_femto", "`first`"]),
        (HORNET, FEMTO, {"first": 1}, ["dwconv (12, 1, 7, 7) of the source", f"{CONV_DW} (4, 1, 7, 7) of the target"]),
        (
            FEMTO | {"kernel_sizes": 5},
            FEMTO,
            {},
            [f"{CONV_DW} (4, 1, 5, 5) of the source", f"{CONV_DW} (4, 1, 7, 7) of the target", "kernel_size: fit"],
        ),
        (
            FEMTO | {"patch_size": 8},  # timm dilates the last stage, which reads maps of the size of the one before
            FEMTO,
            {"arrangement": "stacked by stage"},
            ["source convnext_femto has 3 stages for 4 of the target convnext_femto", "arrangement"],
        ),
        (FEMTO, HORNET, {"layers": "pointwise", "arrangement": "stacked"}, ["channels", "proj_in", "mlp.fc1"]),
        (PLAIN, RESNET, {"layers": "convolutions", "first": 1}, ["conv1 (3, 3, 5, 5)", "conv1 (64, 3, 7, 7)"]),
        (
            RESNET | {"channels": [4, 4, 8, 8]},
            RESNET | {"channels": [16, 4, 8, 8]},
            {"layers": "convolutions", "first": 3},
            ["layer1.0.conv1", "projection"],
        ),
    ],
)
def test_what_does_not_fit_is_a_one_line_error_that_names_both_sides(source, target, settings, named):
    with pytest.raises(KeyfiltersError) as caught:
        transferred(source, target, **settings)
    assert "\n" not in str(caught.value)
    for part in named:
        assert part in str(caught.value)


def test_a_bias_on_one_side_alone_cannot_be_copied():
    source, target = random("source", FEMTO), random("target", FEMTO)
    for module in depthwise_layers(source.network).values():
        module.bias = None
    with pytest.raises(KeyfiltersError, match="only one has a bias; set bias: trained"):
        copy_filters(source, target, Transfer(bias="copied"), 0)
    copy_filters(source, target, Transfer(), 0)


@pytest.mark.parametrize("without", ["source", "target"])
def test_a_batch_norm_on_one_side_alone_cannot_be_copied(without):
    ends = {role: random(role, RESNET) for role in ("source", "target")}
    ends[without].network.layer1[0].bn2 = torch.nn.Identity()
    settings = Transfer(layers="convolutions", batch_norm="copied")
    with pytest.raises(KeyfiltersError) as caught:
        copy_filters(*ends.values(), settings, 0)
    for part in ("layer1.0.conv2", "of the source resnet50", "of the target resnet50", "set batch_norm: trained"):
        assert part in str(caught.value)
    copy_filters(*ends.values(), Transfer(layers="convolutions"), 0)


def test_a_batch_norm_that_is_not_there_cannot_be_copied():
    with pytest.raises(KeyfiltersError, match=r"target yosinski8 has no BatchNorm .* set batch_norm: trained"):
        transferred(PLAIN, PLAIN, layers="convolutions", batch_norm="copied")
