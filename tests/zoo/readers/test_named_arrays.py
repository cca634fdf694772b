"""Files of named arrays without a graph: Keras HDF5, NumPy archives, safetensors."""

import json
import zipfile

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.readers import keras_h5, npz, safetensors
from tests.helpers.tiny_networks import LAYERS, UP, weight
from tests.helpers.weight_files import save_h5

ALL = (*LAYERS, UP)


def test_keras_model_with_its_configuration(tmp_path):
    network = keras_h5.read(save_h5(tmp_path / "m.h5"))
    for convolution, layer in zip(network.convolutions, ALL, strict=True):
        np.testing.assert_array_equal(convolution.load(), layer.weight)
        assert (convolution.kind, convolution.groups, convolution.stride) == (layer.kind, layer.groups, layer.stride)
    assert [c.depth for c in network.convolutions] == [1, 2, 3, 4]
    assert network.operators == {"Conv2D": 2, "Conv2DTranspose": 1, "DepthwiseConv2D": 1, "InputLayer": 1}
    assert network.producer == "keras 2.9.0"


def test_keras_weights_alone(tmp_path):
    network = keras_h5.read(save_h5(tmp_path / "m.h5", LAYERS, config=False))
    by_name = {c.name: c for c in network.convolutions}
    first = by_name["first/first_1/kernel:0"]
    np.testing.assert_array_equal(first.load(), LAYERS[0].weight)
    assert (first.kind, first.groups, first.stride, first.depth) == (None, None, None, None)
    second = by_name["second/second_1/depthwise_kernel:0"]
    assert (second.kind, second.groups, second.stride) == ("depthwise", 5, None)
    assert (network.operators, network.depth) == (None, None)


def test_keras_sequence_without_an_input_layer(tmp_path):
    layers = [{"class_name": "Conv2D", "config": {"name": name, "strides": 2}} for name in ("a", "b")]
    layers.insert(1, {"class_name": "Conv3D", "config": {"name": "volume"}})
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": layers})
        # HDF5 gives names in alphabetical order, the configuration in that of execution.
        for name in ("b", "a"):
            file[f"model_weights/{name}/{name}/kernel:0"] = weight(3, 3, 2, 2)
        file["model_weights/volume/volume/kernel:0"] = weight(3, 3, 3, 2, 2)
    network = keras_h5.read(tmp_path / "m.h5")
    assert [(c.name[0], c.depth, c.stride) for c in network.convolutions] == [("a", 1, (2, 2)), ("b", 3, (2, 2))]
    assert len(network.left_out) == 1


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_numpy_archive(tmp_path, save):
    save(
        tmp_path / "m.npz", **{f"{layer.name}/W": layer.weight for layer in LAYERS}, **{"fc/W": weight(2, 3), "b": [1]}
    )
    network = npz.read(tmp_path / "m.npz")
    assert [c.name for c in network.convolutions] == [f"{layer.name}/W" for layer in LAYERS]
    for convolution, layer in zip(network.convolutions, LAYERS, strict=True):
        np.testing.assert_array_equal(convolution.load(), layer.weight)
        assert (convolution.kind, convolution.groups, convolution.stride, convolution.depth) == (None, None, None, None)


@pytest.mark.fault("weight file", "a NumPy archive with pickled objects", "refused; nothing is unpickled")
def test_numpy_archive_with_pickled_objects_is_refused(tmp_path):
    np.savez(tmp_path / "m.npz", **{"a/W": np.full((1, 1, 1, 1), object())})
    [convolution] = npz.read(tmp_path / "m.npz").convolutions
    with pytest.raises(KeyfiltersError, match="allow_pickle"):
        convolution.load()


def test_numpy_archive_whose_bytes_do_not_fill_the_shape(tmp_path):
    np.save(tmp_path / "a.npy", weight(2, 2, 3, 3))
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("a/W.npy", (tmp_path / "a.npy").read_bytes()[:-130])
    with pytest.raises(KeyfiltersError, match="too few for the shape"):
        npz.read(tmp_path / "m.npz")


@pytest.mark.parametrize("framework", ["pt", "mlx", None])
def test_safetensors(tmp_path, framework):
    tensors = {f"{layer.name}.weight": layer.weight for layer in LAYERS}
    if framework == "mlx":
        tensors = {name: np.ascontiguousarray(array.transpose(0, 2, 3, 1)) for name, array in tensors.items()}
    tensors |= {"fc.weight": weight(2, 2), "first.bias": weight(2), "line.weight": weight(2, 2, 2)}
    save_file(tensors, tmp_path / "m.safetensors", {"format": framework} if framework else None)
    network = safetensors.read(tmp_path / "m.safetensors")
    assert {c.name for c in network.convolutions} == {f"{layer.name}.weight" for layer in LAYERS}
    for convolution in network.convolutions:
        layer = next(layer for layer in LAYERS if convolution.name == f"{layer.name}.weight")
        np.testing.assert_array_equal(convolution.load(), layer.weight)
        assert (convolution.kind, convolution.groups, convolution.stride, convolution.depth) == (None, None, None, None)
    assert network.left_out == ("line.weight: a weight of 3 dimensions, no 2-D convolution",)


def test_safetensors_of_an_unknown_framework(tmp_path):
    save_file({"a.weight": weight(2, 2, 3, 3)}, tmp_path / "m.safetensors", {"format": "flax"})
    with pytest.raises(KeyfiltersError, match="'flax' is not known"):
        safetensors.read(tmp_path / "m.safetensors")


def test_weights_that_are_not_finite(tmp_path):
    array = weight(2, 2, 3, 3)
    array[1, 1, 1, 1] = -np.inf
    np.savez(tmp_path / "m.npz", **{"a/W": array})
    save_file({"a.weight": array}, tmp_path / "m.safetensors")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["a/a/kernel:0"] = array
    for reader, name in ((npz, "m.npz"), (safetensors, "m.safetensors"), (keras_h5, "m.h5")):
        [convolution] = reader.read(tmp_path / name).convolutions
        with pytest.raises(KeyfiltersError, match=f"{name}.*NaN or infinite"):
            convolution.load()


@pytest.mark.parametrize("reader", [npz, safetensors, keras_h5])
@pytest.mark.parametrize("content", [b"", b"no such format", bytes(100)])
def test_not_this_format(tmp_path, reader, content):
    path = tmp_path / "m"
    path.write_bytes(content)
    with pytest.raises(KeyfiltersError, match=str(path)) as caught:
        reader.read(path)
    assert "\n" not in str(caught.value)


def test_files_without_weights_of_convolutions(tmp_path):
    np.savez(tmp_path / "m.npz", a=weight(2, 2, 3, 3))
    save_file({"fc.weight": weight(2, 2)}, tmp_path / "m.safetensors")
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:  # as Keras 3 has it
        file["layers/conv2d/vars/0"] = weight(3, 3, 2, 2)
    for reader, name in ((npz, "m.npz"), (safetensors, "m.safetensors"), (keras_h5, "m.weights.h5")):
        with pytest.raises(KeyfiltersError, match=r"(of four|4) dimensions"):
            reader.read(tmp_path / name)
