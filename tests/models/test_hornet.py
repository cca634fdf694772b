"""HorNet computes what the paper says and loads checkpoints in the authors' layout."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from keyfilters.errors import KeyfiltersError
from keyfilters.models.convolutions import depthwise_layers
from keyfilters.models.hornet import Block, GatedConvolution, HorNet, build_hornet
from keyfilters.models.pretrained import load_checkpoint

SMALL = {"depths": (1, 1, 2, 1), "base_dim": 8, "patch_size": 2, "num_classes": 5}


@pytest.mark.parametrize(
    ("name", "published", "filters"),
    [("hornet_tiny", 22e6, 11_488), ("hornet_small", 50e6, 17_232), ("hornet_large", 195e6, 34_464)],
)
def test_counts_per_variant(name, published, filters):
    with torch.device("meta"):
        network = build_hornet(name, num_classes=1000)
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(published, rel=0.02)
    layers = depthwise_layers(network)
    assert len(layers) == 25
    assert sum(len(convolution.weight) for convolution in layers.values()) == filters
    assert {tuple(convolution.weight.shape[1:]) for convolution in layers.values()} == {(1, 7, 7)}


def test_depthwise_widths_of_tiny():
    with torch.device("meta"):
        layers = depthwise_layers(build_hornet("hornet_tiny"))
    widths = [layers[f"stages.{stage}.0.gnconv.dwconv"].in_channels for stage in range(4)]
    assert widths == [96, 224, 480, 992]


def _arrays(module):
    return {name: value.detach().numpy() for name, value in module.state_dict().items()}


def _pointwise(weight, bias, x):
    """`[C, H, W]` to `[D, H, W]`, one position at a time."""
    y = np.empty((len(weight), *x.shape[1:]))
    for i, j in np.ndindex(*x.shape[1:]):
        y[:, i, j] = weight[:, :, 0, 0] @ x[:, i, j] + bias
    return y


def _depthwise(weight, bias, x):
    """7x7 with zeros around the image, one channel and position at a time."""
    y = np.empty_like(x)
    for c, i, j in np.ndindex(*x.shape):
        y[c, i, j] = bias[c]
        for u, v in np.ndindex(7, 7):
            row, column = i + u - 3, j + v - 3
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                y[c, i, j] += weight[c, 0, u, v] * x[c, row, column]
    return y


@pytest.mark.parametrize("order", [1, 2, 4])
def test_gated_convolution_is_the_papers(order):
    torch.manual_seed(order)
    dim, scale = 8, 0.3
    module = GatedConvolution(dim, order, scale).double()
    x = torch.randn(2, dim, 5, 9, dtype=torch.float64)
    arrays = _arrays(module)
    widths = [dim // 2 ** (order - 1 - k) for k in range(order)]  # C_0 ... C_{n-1}
    for image, actual in zip(x.numpy(), module(x).detach().numpy(), strict=True):
        joint = _pointwise(arrays["proj_in.weight"], arrays["proj_in.bias"], image)
        p, start = joint[: widths[0]], widths[0]
        for k, width in enumerate(widths):
            if k > 0:
                p = _pointwise(arrays[f"pws.{k - 1}.weight"], arrays[f"pws.{k - 1}.bias"], p)
            own = slice(start - widths[0], start - widths[0] + width)
            q = joint[start : start + width]
            p = p * scale * _depthwise(arrays["dwconv.weight"][own], arrays["dwconv.bias"][own], q)
            start += width
        assert start == len(joint) == 2 * dim
        expected = _pointwise(arrays["proj_out.weight"], arrays["proj_out.bias"], p)
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


def _normalised(x, weight, bias):
    """Layer norm over the last axis."""
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * weight + bias


def test_block_adds_a_gated_convolution_and_then_a_perceptron():
    torch.manual_seed(0)
    block = Block(dim=4, order=2, scale=0.3, ls_init_value=0.5, drop_path=0.0).double()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.copy_(torch.randn_like(parameter))
    x = torch.randn(2, 4, 3, 5, dtype=torch.float64)
    arrays = _arrays(block)

    positions = np.moveaxis(x.numpy(), 1, -1)
    normed = _normalised(positions, arrays["norm1.weight"], arrays["norm1.bias"])
    gated = block.gnconv(torch.from_numpy(np.moveaxis(normed, -1, 1))).detach().numpy()
    positions = positions + arrays["gamma1"] * np.moveaxis(gated, 1, -1)
    hidden = _normalised(positions, arrays["norm2.weight"], arrays["norm2.bias"]) @ arrays["pwconv1.weight"].T
    hidden += arrays["pwconv1.bias"]
    hidden *= 0.5 * (1 + np.vectorize(math.erf)(hidden / math.sqrt(2)))
    positions = positions + arrays["gamma2"] * (hidden @ arrays["pwconv2.weight"].T + arrays["pwconv2.bias"])
    np.testing.assert_allclose(block(x).detach().numpy(), np.moveaxis(positions, -1, 1), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("arguments", [{}, {"drop_path_rate": 0.3, "ls_init_value": None}])
def test_small_network_trains_at_32_pixels(memory_format, arguments):
    torch.manual_seed(0)
    network = build_hornet("hornet_tiny", **SMALL | arguments).to(memory_format=memory_format)
    scores = network(torch.randn(3, 3, 32, 32).to(memory_format=memory_format))
    assert scores.shape == (3, 5)
    scores.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_input_channels_are_an_argument():
    assert build_hornet("hornet_tiny", in_chans=1, **SMALL)(torch.randn(2, 1, 32, 32)).shape == (2, 5)


def test_drop_path_rises_linearly_to_its_rate():
    network = HorNet(**SMALL, drop_path_rate=0.4)
    rates = [getattr(block.drop_path, "drop_prob", 0.0) for stage in network.stages for block in stage]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"base_dim": 3}, ["base_dim 3", "multiple of 2"]),
        ({"base_dim": 12, "orders": (2, 3, 4, 8)}, ["base_dim 12", "multiple of 16", "(2, 3, 4, 8)"]),
        ({"depths": (1, 1)}, ["depths (1, 1)", "orders (2, 3, 4, 5)"]),
        ({"depths": (), "orders": ()}, ["depths ()"]),
        ({"orders": (0, 1, 1, 1)}, ["orders (0, 1, 1, 1)"]),
        ({"base_dim": 0}, ["base_dim 0"]),
    ],
)
def test_widths_that_do_not_halve_are_one_line_errors(arguments, named):
    with pytest.raises(KeyfiltersError) as caught:
        HorNet(**SMALL | arguments)
    _one_line_that_names(caught.value, *named)


def test_unknown_variant_is_a_one_line_error():
    with pytest.raises(KeyfiltersError) as caught:
        build_hornet("hornet_huge", num_classes=5)
    _one_line_that_names(caught.value, "hornet_huge", "hornet_tiny")


def _authors_checkpoint():
    """Random weights for SMALL, named and shaped as in the authors' files."""
    shapes = {
        "downsample_layers.0.0": (8, 3, 2, 2),
        "downsample_layers.0.1": (8,),
        "norm": (64,),
        "head": (5, 64),
    }
    for i in (1, 2, 3):
        width = 8 * 2**i
        shapes[f"downsample_layers.{i}.0"] = (width // 2,)
        shapes[f"downsample_layers.{i}.1"] = (width, width // 2, 2, 2)
    scales = {}
    for i, (depth, depthwise) in enumerate(zip((1, 1, 2, 1), (12, 28, 60, 124), strict=True)):
        width = 8 * 2**i
        for j in range(depth):
            block = f"stages.{i}.{j}"
            scales |= {f"{block}.gamma1": (width,), f"{block}.gamma2": (width,)}
            shapes |= {
                f"{block}.norm1": (width,),
                f"{block}.gnconv.proj_in": (2 * width, width, 1, 1),
                f"{block}.gnconv.dwconv": (depthwise, 1, 7, 7),
                f"{block}.gnconv.proj_out": (width, width, 1, 1),
                f"{block}.norm2": (width,),
                f"{block}.pwconv1": (4 * width, width),
                f"{block}.pwconv2": (width, 4 * width),
            }
            for k in range(i + 1):
                after = width // 2 ** (i - k)
                shapes[f"{block}.gnconv.pws.{k}"] = (after, after // 2, 1, 1)
    for layer, shape in shapes.items():
        scales |= {f"{layer}.weight": shape, f"{layer}.bias": shape[:1]}
    return {name: torch.randn(shape) for name, shape in scales.items()}


@pytest.mark.parametrize("kind", ["model key", "bare", "safetensors"])
def test_checkpoint_in_the_authors_layout_loads(tmp_path, kind):
    state = _authors_checkpoint()
    path = tmp_path / ("hornet.safetensors" if kind == "safetensors" else "hornet.pth")
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save({"model": state} if kind == "model key" else state, path)
    network = HorNet(**SMALL)
    load_checkpoint(network, path)
    loaded = network.state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], value) for name, value in state.items())


def _renamed(state):
    state["stages.2.1.gnconv.conv.weight"] = state.pop("stages.2.1.gnconv.dwconv.weight")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda state: state.pop("stages.0.0.gamma1"), ["missing: stages.0.0.gamma1"]),
        (lambda state: state.update(extra=torch.ones(1)), ["surplus: extra"]),
        (lambda state: state.update({"head.bias": torch.ones(7)}), ["of another shape: head.bias"]),
        (_renamed, ["missing: stages.2.1.gnconv.dwconv.weight", "surplus: stages.2.1.gnconv.conv.weight"]),
        (lambda state: state.clear(), ["missing: downsample_layers.0.0.bias", " more"]),
        (lambda state: state.update(extra="text"), ["expected a state dict"]),
    ],
)
def test_checkpoint_that_does_not_fit_is_a_one_line_error(tmp_path, change, named):
    state = _authors_checkpoint()
    change(state)
    path = tmp_path / "hornet.pth"
    torch.save({"model": state}, path)
    network = HorNet(**SMALL)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(KeyfiltersError) as caught:
        load_checkpoint(network, path)
    _one_line_that_names(caught.value, str(path), *named)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


class _Foreign:
    """Stands for an object that only a free pickle could bring back."""


@pytest.mark.parametrize("name", ["absent.pth", "absent.safetensors", "noise.pth", "noise.safetensors", "foreign.pth"])
def test_unreadable_checkpoint_is_a_one_line_error(tmp_path, name):
    path = tmp_path / name
    if name.startswith("noise"):
        path.write_bytes(b"no checkpoint at all")
    elif name.startswith("foreign"):
        torch.save({"model": _authors_checkpoint(), "args": _Foreign()}, path)
    with pytest.raises(KeyfiltersError) as caught:
        load_checkpoint(HorNet(**SMALL), path)
    _one_line_that_names(caught.value, str(path), "cannot be read")


def _one_line_that_names(error, *parts):
    message = str(error)
    assert "\n" not in message
    for part in parts:
        assert part in message, message
