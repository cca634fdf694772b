"""TensorFlow Lite models: layouts, quantised weights, and broken files."""

import numpy as np
import pytest
import tflite

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.readers.tflite import read
from tests.helpers.tflite_files import Builder, save
from tests.helpers.tiny_networks import LAYERS, UP, weight

ALL = (*LAYERS, UP)
CONV = tflite.BuiltinOperator.CONV_2D


@pytest.mark.parametrize("half", [False, True])
def test_all_kinds_of_layers(tmp_path, half):
    network = read(save(tmp_path / "m.tflite", half=half))
    for convolution, layer in zip(network.convolutions, ALL, strict=True):
        np.testing.assert_array_equal(convolution.load(), layer.weight)
        assert convolution.name == layer.name
        assert (convolution.kind, convolution.groups, convolution.stride) == (layer.kind, layer.groups, layer.stride)
    # The DEQUANTIZE of a constant is on no path from the input.
    assert [c.depth for c in network.convolutions] == [1, 2, 3, 4]
    assert network.depth == 4
    counts = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 1, "TRANSPOSE_CONV": 1}
    assert network.operators == counts | ({"DEQUANTIZE": 4} if half else {})


def one(tmp_path, array, channels=3, **options):
    builder = Builder()
    builder.tensor("x", (1, 9, 9, channels))
    builder.tensor("w", array.shape, str(array.dtype), array.tobytes(), **options)
    builder.tensor("y", (1, 9, 9, array.shape[0]))
    builder.operator(CONV, [0, 1, -1], [2], (1, 1))
    path = tmp_path / "m.tflite"
    path.write_bytes(builder.finish())
    return path


def test_quantised_per_tensor_and_per_channel(tmp_path):
    array = np.arange(2 * 3 * 4 * 3).reshape(2, 3, 4, 3)
    [convolution] = read(one(tmp_path, array.astype(np.uint8), scale=[0.5], zero=[100])).convolutions
    np.testing.assert_array_equal(convolution.load(), ((array - 100) * 0.5).transpose(0, 3, 1, 2))

    [convolution] = read(one(tmp_path, array.astype(np.int8), scale=[0.5, 0.25], zero=[0, 3])).convolutions
    expected = array.astype(np.float32)
    expected[0] *= 0.5
    expected[1] = (expected[1] - 3) * 0.25
    np.testing.assert_array_equal(convolution.load(), expected.transpose(0, 3, 1, 2))


def test_groups_are_told_by_the_channels_of_the_input(tmp_path):
    [convolution] = read(one(tmp_path, weight(6, 3, 2, 2), channels=6)).convolutions
    assert (convolution.groups, convolution.kind, convolution.shape) == (3, "grouped", (6, 2, 3, 2))


def test_weight_used_twice_or_computed_is_told_of(tmp_path):
    builder = Builder()
    builder.tensor("x", (1, 9, 9, 2))
    builder.tensor("w", (2, 3, 3, 2), data=weight(2, 3, 3, 2).tobytes())
    for name in ("a", "b", "c", "sum"):
        builder.tensor(name, (1, 9, 9, 2))
    builder.operator(CONV, [0, 1], [2], (1, 1))
    builder.operator(CONV, [2, 1], [3], (1, 1))
    builder.operator(tflite.BuiltinOperator.ADD, [1, 1], [5])
    builder.operator(CONV, [3, 5], [4], (1, 1))
    builder.operator(tflite.BuiltinOperator.CONV_3D, [4, 1], [5])
    path = tmp_path / "m.tflite"
    path.write_bytes(builder.finish())
    network = read(path)
    assert [c.name for c in network.convolutions] == ["a"]
    assert [line.partition(":")[0] for line in network.left_out] == ["b", "c", "sum"]


# A weight [2, 1, 1, 6] in blocks of two channels, of which the first kernel has the last, the second the first two.
BLOCKED = np.array([[0, 0, 0, 0, 1, 2], [3, 4, 5, 6, 0, 0]], np.float32).reshape(2, 1, 1, 6)
LEVELS = [2, 1, 1, ([0, 1, 3], [2, 0, 1]), 2]
# The same without blocks, and with channels before kernels.
CHANNELS_FIRST = [6, ([0, 1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 0, 0]), 1, 1]


@pytest.mark.parametrize(
    ("values", "sparse"),
    [
        ([1, 2, 3, 4, 5, 6], ([0, 1, 2, 3, 4], [3], LEVELS)),
        ([3, 4, 5, 6, 1, 2], ([3, 0, 1, 2], [], CHANNELS_FIRST)),
    ],
)
def test_sparse_weights(tmp_path, values, sparse):
    path = one_sparse(tmp_path, values, sparse)
    [convolution] = read(path).convolutions
    np.testing.assert_array_equal(convolution.load(), BLOCKED.transpose(0, 3, 1, 2))


def test_sparse_weight_of_more_values_than_its_shape(tmp_path):
    [convolution] = read(one_sparse(tmp_path, [1], ([0, 1, 2, 3], [], [2, 1, 1, 10**9]))).convolutions
    with pytest.raises(KeyfiltersError, match="more than its shape"):
        convolution.load()


def one_sparse(tmp_path, values, sparse):
    builder = Builder()
    builder.tensor("x", (1, 9, 9, 6))
    builder.tensor("w", BLOCKED.shape, data=np.array(values, "<f4").tobytes(), sparse=sparse)
    builder.tensor("dense", BLOCKED.shape)
    builder.tensor("y", (1, 9, 9, 2))
    builder.operator(tflite.BuiltinOperator.DENSIFY, [1], [2])
    builder.operator(CONV, [0, 2], [3], (1, 1))
    path = tmp_path / "m.tflite"
    path.write_bytes(builder.finish())
    return path


def test_bytes_that_do_not_fill_the_shape(tmp_path):
    builder = Builder()
    builder.tensor("x", (1, 9, 9, 2))
    builder.tensor("w", (2, 3, 3, 2), data=weight(2, 3, 3, 2).tobytes()[:-4])
    builder.tensor("y", (1, 9, 9, 2))
    builder.operator(CONV, [0, 1], [2], (1, 1))
    path = tmp_path / "m.tflite"
    path.write_bytes(builder.finish())
    [convolution] = read(path).convolutions
    with pytest.raises(KeyfiltersError, match=r"m\.tflite: 'w' has 140 bytes, which do not fill the shape"):
        convolution.load()


def test_weights_that_are_not_finite(tmp_path):
    array = weight(2, 3, 3, 3)
    array[0, 0, 0, 0] = np.nan
    [convolution] = read(one(tmp_path, array)).convolutions
    with pytest.raises(KeyfiltersError, match="NaN or infinite"):
        convolution.load()


@pytest.mark.parametrize("content", [b"", b"text", b"\x18\0\0\0TFL3", b"\x18\0\0\0ABCD" + bytes(64)])
def test_not_a_model(tmp_path, content):
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(KeyfiltersError, match=r"m\.tflite: no (readable )?TensorFlow Lite file") as caught:
        read(path)
    assert "\n" not in str(caught.value)
