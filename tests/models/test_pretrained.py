"""Networks that others trained: by name and from files, and what does not fit."""

import pytest
import timm
import torch
from safetensors.torch import save_file

from keyfilters.errors import KeyfiltersError
from keyfilters.models import pretrained
from keyfilters.models.build import build
from keyfilters.models.pretrained import load_checkpoint, load_named, named

FEMTO = {"architecture": "convnext_femto", "dims": [8, 8, 8, 8], "conv_mlp": False}


@pytest.fixture
def timms(monkeypatch):
    """timm with small random weights in the place of its published ones, by the names that it really has."""
    create = timm.create_model

    def small(name, pretrained=False, **arguments):
        assert pretrained
        torch.manual_seed(3)
        return create(name.partition(".")[0], num_classes=5, dims=(8, 8, 8, 8), conv_mlp=False)

    monkeypatch.setattr(pretrained.timm, "create_model", small)


@pytest.mark.usefixtures("timms")
def test_the_weights_of_a_timm_name_are_loaded():
    theirs = named("convnext_femto.d1_in1k")
    assert not theirs.training
    published = theirs.state_dict()
    network = timm.models.convnext.convnext_femto(num_classes=5, dims=(8, 8, 8, 8), conv_mlp=False)
    load_named(network, "convnext_femto.d1_in1k")
    assert all(torch.equal(value, published[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("library", "name", "close"),
    [("timm", "convnext_femto.d9", "convnext_femto.d1_in1k"), ("torchvision", "resnet51", "resnet50")],
)
def test_a_name_that_the_library_does_not_know_is_one_line(library, name, close):
    with pytest.raises(KeyfiltersError) as caught:
        named(name, library)
    assert f"{library} has no pretrained {name!r}; it has, for one, " in str(caught.value)
    assert close in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_that_cannot_be_fetched_are_one_line(monkeypatch):
    def offline(*_, **__):
        raise OSError("no\nroute")

    monkeypatch.setattr(pretrained.timm, "create_model", offline)
    with pytest.raises(KeyfiltersError, match=r"timm cannot fetch its resnet50 \(no route\); connect"):
        named("resnet50")
    monkeypatch.setattr(pretrained.torchvision.models, "get_model", offline)
    with pytest.raises(KeyfiltersError, match=r"torchvision cannot fetch its resnet50 \(no route\); connect"):
        named("resnet50", "torchvision")


@pytest.mark.usefixtures("timms")
def test_a_name_whose_network_differs_names_both():
    network = timm.models.convnext.convnext_femto(num_classes=7, dims=(8, 8, 8, 8), conv_mlp=False)
    with pytest.raises(KeyfiltersError) as caught:
        load_named(network, "convnext_femto.d1_in1k")
    expected = (
        "timm's convnext_femto.d1_in1k does not fit this ConvNeXt: of another shape: head.fc.bias, head.fc.weight"
    )
    assert str(caught.value) == expected


def test_a_convnext_is_read_in_its_authors_names(tmp_path):
    source, network = build(FEMTO, 5), build(FEMTO, 5)
    renamed = {}
    for name, value in source.state_dict().items():
        for ours, theirs in (
            ("stem.", "downsample_layers.0."),
            ("conv_dw", "dwconv"),
            ("mlp.fc1", "pwconv1"),
            ("mlp.fc2", "pwconv2"),
            (".blocks", ""),
            ("head.norm", "norm"),
            ("head.fc", "head"),
        ):
            name = name.replace(ours, theirs)
        if ".downsample." in name:
            _, stage, _, rest = name.split(".", 3)
            name = f"downsample_layers.{stage}.{rest}"
        renamed[name] = value
    torch.save({"model": renamed}, tmp_path / "convnext.pth")
    load_checkpoint(network, tmp_path / "convnext.pth")
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("change", ["missing", "surplus"])
def test_a_checkpoint_with_a_key_too_few_or_too_many_names_both(tmp_path, change):
    state = {name: value.clone() for name, value in build(FEMTO, 5).state_dict().items()}
    if change == "missing":
        del state["stem.0.bias"]
    else:
        state["stem.9.bias"] = torch.zeros(1)
    save_file(state, tmp_path / "femto.safetensors")
    with pytest.raises(KeyfiltersError) as caught:
        load_checkpoint(build(FEMTO, 5), tmp_path / "femto.safetensors")
    key = {"missing": "stem.0.bias", "surplus": "stem.9.bias"}[change]
    assert str(caught.value) == f"{tmp_path}/femto.safetensors does not fit this ConvNeXt: {change}: {key}"
