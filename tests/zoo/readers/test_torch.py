"""PyTorch files: state dicts, pickled modules, TorchScript, and pickles that want to run code."""

import os
import sys
import types
import zipfile

import numpy as np
import pytest
import torch

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.readers.torch import read
from tests.helpers.tiny_networks import LAYERS, UP, torch_module, weight

ALL = (*LAYERS, UP)
# Old forms of files have to be written by old functions.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated")


def save(path, content, **options):
    torch.save(content, path, **options)
    return path


@pytest.mark.parametrize("zipped", [True, False])
def test_state_dict_tells_weights_and_nothing_else(tmp_path, zipped):
    state = torch_module(LAYERS).state_dict()
    path = save(tmp_path / "m.pt", {"state_dict": state, "epoch": 3}, _use_new_zipfile_serialization=zipped)

    network = read(path)

    assert [c.name for c in network.convolutions] == [f"state_dict.{layer.name}.weight" for layer in LAYERS]
    for convolution, layer in zip(network.convolutions, LAYERS, strict=True):
        np.testing.assert_array_equal(convolution.load(), layer.weight)
        assert (convolution.kind, convolution.groups, convolution.stride, convolution.depth) == (None, None, None, None)
    assert (network.operators, network.depth) == (None, None)


def test_pickled_module_tells_kinds_groups_and_strides(tmp_path):
    _check_module(read(save(tmp_path / "m.pt", {"model": torch_module().half()})), "model.")


@pytest.mark.parametrize("form", ["script", "trace"])
def test_torchscript_tells_kinds_groups_and_strides(tmp_path, form):
    module = torch_module().eval()
    script = torch.jit.script(module) if form == "script" else torch.jit.trace(module, torch.zeros(1, 3, 16, 16))
    script.save(tmp_path / "m.pt")
    _check_module(read(tmp_path / "m.pt"), "")


def _check_module(network, prefix):
    assert [c.name for c in network.convolutions] == [f"{prefix}{layer.name}.weight" for layer in ALL]
    for convolution, layer in zip(network.convolutions, ALL, strict=True):
        np.testing.assert_array_equal(convolution.load(), layer.weight)
        assert (convolution.kind, convolution.groups, convolution.stride) == (layer.kind, layer.groups, layer.stride)
        assert convolution.depth is None


def test_grouped_transposed_weight_keeps_each_output_with_its_group(tmp_path):
    module = torch.nn.ConvTranspose2d(4, 6, (2, 3), groups=2, bias=False)
    [convolution] = read(save(tmp_path / "m.pt", module)).convolutions

    assert convolution.shape == (6, 2, 2, 3)
    # Output 3 is the first of the second group, which reads the inputs 2 and 3.
    np.testing.assert_array_equal(convolution.load()[3], module.weight.detach().numpy()[2:4, 0])


def test_module_of_unknown_classes_is_read_without_them(tmp_path, monkeypatch):
    absent = types.ModuleType("absent")
    exec("import torch\nclass Net(torch.nn.Module):\n    pass", absent.__dict__)
    monkeypatch.setitem(sys.modules, "absent", absent)
    net = absent.Net()
    net.body = torch_module(LAYERS)
    path = save(tmp_path / "m.pt", net)
    monkeypatch.delitem(sys.modules, "absent")

    assert [c.kind for c in read(path).convolutions] == [layer.kind for layer in LAYERS]


def test_frozen_torchscript_is_refused(tmp_path):
    torch.jit.freeze(torch.jit.script(torch_module().eval())).save(tmp_path / "m.pt")
    with pytest.raises(KeyfiltersError, match="before freezing"):
        read(tmp_path / "m.pt")


def test_training_state_and_the_second_copy_of_the_network_are_left_out(tmp_path):
    state = torch_module(LAYERS).state_dict()
    momentum = {"weight": torch.zeros(1, 1, 3, 3)}
    path = save(tmp_path / "m.pt", {"model": state, "ema": dict(state), "optimizer": momentum})
    network = read(path)
    assert [c.name for c in network.convolutions] == [f"ema.{layer.name}.weight" for layer in LAYERS]
    assert len(network.left_out) == 2

    network = read(save(tmp_path / "n.pt", {"model": state, "ema": None}))
    assert len(network.convolutions) == len(LAYERS)
    assert network.left_out == ()


@pytest.mark.parametrize("norm", [torch.nn.utils.weight_norm, torch.nn.utils.parametrizations.weight_norm])
def test_weight_norm_is_put_together(tmp_path, norm):
    module = norm(torch.nn.Conv2d(3, 4, (2, 3), bias=False))
    next(p for p in module.parameters() if p.numel() == 4).data *= 2
    [convolution] = read(save(tmp_path / "m.pt", module.state_dict())).convolutions
    assert convolution.name == "weight"
    module(torch.zeros(1, 3, 5, 5))  # computes the weight from its parts
    np.testing.assert_allclose(convolution.load(), module.weight.detach().numpy(), rtol=1e-6)


def test_tensors_of_other_sizes_are_told_of(tmp_path):
    state = {"filt": torch.zeros(8, 1, 3, 3), "conv.weight": torch.zeros(2, 2, 3, 3, 3), "fc.weight": torch.zeros(2, 2)}
    network = read(save(tmp_path / "m.pt", state))
    assert network.convolutions == ()
    assert {line.partition(":")[0] for line in network.left_out} == {"conv.weight", "filt"}


class _Runs:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.fault("weight file", "a PyTorch file whose pickle wants to run a program", "refused; nothing runs")
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("function", [os.system, eval, np.save])
def test_pickle_that_wants_to_run_code_is_refused_and_does_not_run(tmp_path, zipped, function):
    trace = tmp_path / "ran"
    arguments = {os.system: (f"touch {trace}",), eval: (f"open({str(trace)!r}, 'w')",), np.save: (trace, 1)}[function]
    content = {"state_dict": {"conv.weight": torch.zeros(1, 1, 3, 3)}, "x": _Runs(function, *arguments)}
    path = save(tmp_path / "m.pt", content, _use_new_zipfile_serialization=zipped)

    with pytest.raises(KeyfiltersError, match="refused") as caught:
        read(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_module_of_the_old_format_is_refused_with_the_reason(tmp_path):
    path = save(tmp_path / "m.pt", torch_module(), _use_new_zipfile_serialization=False)
    with pytest.raises(KeyfiltersError, match="refused") as caught:
        read(path)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused_when_loaded(tmp_path, value):
    broken = torch.from_numpy(weight(2, 3, 3, 3))
    broken[0, 0, 0, 0] = value
    [convolution] = read(save(tmp_path / "m.pt", {"conv.weight": broken})).convolutions
    with pytest.raises(KeyfiltersError, match=r"m\.pt.*'conv\.weight'.*NaN or infinite"):
        convolution.load()


@pytest.mark.parametrize("content", [{"a": 1}, {}])
def test_file_without_weights(tmp_path, content):
    with pytest.raises(KeyfiltersError, match="holds no weights"):
        read(save(tmp_path / "m.pt", content))


@pytest.mark.fault(
    "weight file", "a PyTorch file that unpacks to far more than it has bytes", "refused before it is unpacked"
)
def test_archive_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("keyfilters.zoo.readers.torch.LARGEST_CODE", 1000)
    state = save(tmp_path / "m.pt", torch_module(LAYERS).state_dict())
    with zipfile.ZipFile(state) as archive, zipfile.ZipFile(tmp_path / "n.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    with pytest.raises(KeyfiltersError, match=r"unpacks [\d,]+ bytes"):
        read(tmp_path / "n.pt")


def test_weight_larger_than_any_is_refused(tmp_path):
    # One number in the file, seen as a weight of 4 TB.
    bomb = torch.zeros(1, 1, 1, 1).expand(2**10, 2**10, 2**10, 2**10)
    with pytest.raises(KeyfiltersError, match="more than 2,147,483,648 bytes"):
        read(save(tmp_path / "m.pt", {"conv.weight": bomb}))
