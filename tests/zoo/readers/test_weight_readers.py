"""All readers: the same tiny network of every format, damaged files, and what is special to a format."""

import gzip
import os
import pickle
import re

import numpy as np
import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.readers import (
    FORMATS,
    caffemodel,
    coreml_mlmodel,
    dlib_dat,
    flax_pickle,
    katago,
    mxnet_params,
    oidn_tza,
    reader,
    tf_checkpoint,
    tf_pb,
    tfjs_in_js,
)
from tests.helpers.formats import ALL, REGULAR, SAMPLES
from tests.helpers.tiny_networks import LAYERS, Layer, weight
from tests.helpers.weight_files import (
    checkpoint_names,
    save_bundle,
    save_caffe,
    save_checkpoint,
    save_coreml,
    save_dlib,
    save_flax,
    save_graphdef,
    save_katago,
    save_literal,
    save_mxnet,
    save_tza,
)


def read(sample, path):
    """The network of a file of a sample."""
    module = reader(sample.format)
    return module.read(path, **module.FORMAT.options(sample.part))


def test_every_format_has_a_sample():
    assert {sample.format for sample in SAMPLES.values()} == set(FORMATS)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_same_network_in_every_format(tmp_path, name):
    sample = SAMPLES[name]
    layers, checked_facts = sample.layers, sample.facts
    network = read(sample, sample.save(tmp_path / "model.bin"))
    convolutions = network.convolutions
    if sample.format == "safetensors":  # sorted by its writer
        convolutions = sorted(convolutions, key=lambda c: [layer.name for layer in layers].index(c.name.split(".")[0]))
    assert len(convolutions) == len(layers)
    for rank, (convolution, layer) in enumerate(zip(convolutions, layers, strict=True)):
        loaded = convolution.load()
        np.testing.assert_array_equal(loaded, layer.weight)
        assert (loaded.dtype, loaded.shape) == (np.float32, convolution.shape)
        facts = {"kind": layer.kind, "groups": layer.groups, "stride": layer.stride, "depth": rank + 1}
        for fact in checked_facts:
            assert getattr(convolution, fact) == facts[fact]
    assert (network.depth is None) == (network.operators is None)
    assert network.left_out == ()


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("content", [b"", b"no such format", bytes(200)])
def test_not_this_format(tmp_path, name, content):
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(KeyfiltersError, match=re.escape(str(tmp_path))) as caught:
        read(SAMPLES[name], path)
    assert "\n" not in str(caught.value)


BROKEN = (Layer("first", "regular", np.full((2, 3, 4, 2), np.nan, np.float32)),)


@pytest.mark.parametrize(
    ("reader", "save"),
    [
        (caffemodel, save_caffe),
        (tf_pb, save_graphdef),
        (tf_checkpoint, lambda path, layers: save_checkpoint(path, checkpoint_names(layers))),
        (flax_pickle, save_flax),
        (coreml_mlmodel, save_coreml),
        (mxnet_params, save_mxnet),
        (katago, save_katago),
        (oidn_tza, save_tza),
        (dlib_dat, save_dlib),
        (tfjs_in_js, save_bundle),
    ],
)
def test_weights_that_are_not_finite(tmp_path, reader, save):
    [convolution] = reader.read(save(tmp_path / "m", BROKEN)).convolutions
    with pytest.raises(KeyfiltersError, match=r"first|con_0") as caught:
        convolution.load()
    assert "NaN or infinite" in str(caught.value)


@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("raw", [True, False])
def test_forms_of_caffe(tmp_path, newer, raw):
    network = caffemodel.read(save_caffe(tmp_path / "m", newer=newer, raw=raw))
    for convolution, layer in zip(network.convolutions, ALL, strict=True):
        np.testing.assert_array_equal(convolution.load(), layer.weight)
    # The ReLU in place lies between the first convolution and the second.
    assert [c.depth for c in network.convolutions] == [1, 3, 4, 5]
    expected = {"Convolution": 3, "Deconvolution": 1, "ReLU": 1}
    assert network.operators == (expected if newer else {name.upper(): count for name, count in expected.items()})


def test_caffe_layers_without_weights_or_of_other_dimensions(tmp_path):
    net = caffemodel.MESSAGES["NetParameter"]()
    net.layer.add(name="bare", type="Convolution")
    net.layer.add(name="volume", type="Convolution").blobs.add().shape.dim.extend([1, 1, 1, 1, 1])
    short = net.layer.add(name="short", type="Convolution").blobs.add(data=[1, 2])
    short.shape.dim.extend([1, 1, 3, 3])
    (tmp_path / "m").write_bytes(net.SerializeToString())
    network = caffemodel.read(tmp_path / "m")
    assert [line.partition(":")[0] for line in network.left_out] == ["bare", "volume"]
    with pytest.raises(KeyfiltersError, match="'short' has 2 weights, which do not fill the shape"):
        network.convolutions[0].load()


def test_graphdef_with_one_value_for_a_whole_weight(tmp_path):
    document = tf_pb.MESSAGES["GraphDef"]()
    document.node.add(name="x", op="Placeholder")
    tensor = document.node.add(name="w", op="Const").attr.add(key="value").value.tensor
    tensor.dtype = 1
    tensor.float_val.append(0.5)
    for size in (3, 3, 2, 4):
        tensor.tensor_shape.dim.add(size=size)
    document.node.add(name="c", op="Conv2D", input=["x", "w"])
    (tmp_path / "m").write_bytes(document.SerializeToString())
    [convolution] = tf_pb.read(tmp_path / "m").convolutions
    np.testing.assert_array_equal(convolution.load(), np.full((4, 2, 3, 3), 0.5))


@pytest.mark.parametrize("snappy", [False, True])
def test_checkpoint_without_the_slots_of_the_optimizer(tmp_path, snappy):
    arrays = checkpoint_names()
    arrays |= {f"{name}/.OPTIMIZER_SLOT/optimizer/m": array for name, array in arrays.items()}
    arrays |= {"first/weights/Adam_1": weight(3, 3, 2, 2), "fc/kernel": weight(2, 2)}
    network = tf_checkpoint.read(save_checkpoint(tmp_path / "m", arrays, snappy))
    assert [c.name for c in network.convolutions] == [
        "net/first/kernel",
        "net/second/depthwise_kernel",
        "net/third/kernel",
    ]
    assert [c.kind for c in network.convolutions] == [None, "depthwise", None]


@pytest.mark.fault(
    "weight file", "a TensorFlow checkpoint without its index or data, or with less data", "one line names the file"
)
def test_checkpoint_with_missing_or_short_files(tmp_path):
    path = save_checkpoint(tmp_path / "m", checkpoint_names())
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(KeyfiltersError, match="ends within the weight"):
        tf_checkpoint.read(path)
    path.unlink()
    with pytest.raises(KeyfiltersError, match=r"data-00000-of-00001 is missing"):
        tf_checkpoint.read(tmp_path / "m.index")
    (tmp_path / "m.index").unlink()
    with pytest.raises(KeyfiltersError, match=r"m\.index is missing"):
        tf_checkpoint.read(path)


class _Runs:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.system, (f"touch {self.trace}",)


@pytest.mark.fault("weight file", "a pickle of Flax that wants to run a program", "refused; nothing runs")
def test_flax_pickle_that_wants_to_run_code_is_refused_and_does_not_run(tmp_path):
    (tmp_path / "m").write_bytes(pickle.dumps({"a": {"kernel": weight(3, 3, 2, 2)}, "b": _Runs(tmp_path / "ran")}))
    with pytest.raises(KeyfiltersError, match=r"refused: the pickle wants posix\.system"):
        flax_pickle.read(tmp_path / "m")
    assert not (tmp_path / "ran").exists()


def test_coreml_in_half_precision_and_its_operators(tmp_path):
    network = coreml_mlmodel.read(save_coreml(tmp_path / "m", half=True))
    for convolution, layer in zip(network.convolutions, ALL, strict=True):
        np.testing.assert_array_equal(convolution.load(), layer.weight)
    assert network.operators == {"convolution": 4, "softmax": 1}
    assert network.depth == 5


def test_katago_that_ends_within_a_weight(tmp_path):
    path = save_katago(tmp_path / "m", REGULAR)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-60]))
    with pytest.raises(KeyfiltersError, match="ends within the weight of 'third'"):
        katago.read(path)


def test_archive_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(katago, "LARGEST", 1000)
    (tmp_path / "m").write_bytes(gzip.compress(bytes(10_000)))
    with pytest.raises(KeyfiltersError, match="unpacks to more than 1,000 bytes"):
        katago.read(tmp_path / "m")


def test_tza_within_a_library(tmp_path):
    path = save_tza(tmp_path / "m", before=b"ELF" * 7)
    for convolution, layer in zip(oidn_tza.read(path, offset=21).convolutions, LAYERS, strict=True):
        np.testing.assert_array_equal(convolution.load(), layer.weight)


def test_missing_shard_of_javascript(tmp_path):
    path = save_literal(tmp_path / "model.min.js")
    (tmp_path / "group1-shard2of2.min.js").unlink()
    with pytest.raises(KeyfiltersError, match=r"group1-shard2of2\.min\.js is missing"):
        tfjs_in_js.read(path)
