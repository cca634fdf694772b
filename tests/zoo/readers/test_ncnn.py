"""ncnn models: layouts, types, layers in between, and broken files."""

import numpy as np
import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.readers.ncnn import read
from tests.helpers.ncnn_files import save
from tests.helpers.tiny_networks import LAYERS, UP

ALL = (*LAYERS, UP)


@pytest.mark.parametrize("stored", ["f4", "f2"])
@pytest.mark.parametrize("suffix", [".bin", ".param"])
def test_all_kinds_of_layers(tmp_path, stored, suffix):
    network = read(save(tmp_path / "m", stored=stored).with_suffix(suffix))
    for convolution, layer in zip(network.convolutions, ALL, strict=True):
        np.testing.assert_array_equal(convolution.load(), layer.weight)
        assert convolution.name == layer.name
        assert (convolution.kind, convolution.groups, convolution.stride) == (layer.kind, layer.groups, layer.stride)
    assert [c.depth for c in network.convolutions] == [1, 2, 3, 4]
    assert network.operators == {"Convolution": 2, "ConvolutionDepthWise": 1, "Deconvolution": 1, "Input": 1}


FLOAT = np.ones(1, "<f4").tobytes()
BETWEEN = [
    ("PReLU p 1 1 up p 0=3", FLOAT * 3),
    ("BatchNorm b 1 1 p b 0=2", FLOAT * 8),
    ("InnerProduct i 1 1 b i 0=2 1=1 2=6", bytes(4) + FLOAT * 8),
    ("Scale s 1 1 i s 0=2 1=1", FLOAT * 4),
    ("Scale t 2 1 s i t 0=-233", b""),
    ("MemoryData m 0 1 m 0=2 1=3", FLOAT * 6),
    ("InstanceNorm n 1 1 t n 0=2", FLOAT * 4),
    ("GroupNorm g 1 1 n g 0=1 1=2", FLOAT * 4),
    ("LayerNorm l 1 1 g l 0=2 2=0", b""),
    ("Convolution1D c 1 1 l c 0=2 1=3 5=0 6=6", bytes(4) + FLOAT * 6),
    ("Convolution d 2 1 c m d 0=2 1=3 19=1", b""),
    ("ReLU r 1 1 d r 0=0.1", b""),
]


def test_weights_of_other_layers_are_stepped_over(tmp_path):
    last = ("Convolution last 1 1 r last 0=1 1=1 5=0 6=2", bytes(4) + np.array([3, 4], "<f4").tobytes())
    network = read(save(tmp_path / "m", extra=[*BETWEEN, last]))
    np.testing.assert_array_equal(network.convolutions[-1].load(), [[[[3]], [[4]]]])
    assert [line.partition(":")[0] for line in network.left_out] == ["c", "d"]
    assert network.convolutions[-1].depth == network.depth == 16


@pytest.mark.parametrize(("change", "reason"), [(-1, "ends at byte"), (-41, "ends at byte"), (4, "and the layers of")])
def test_weights_of_another_size(tmp_path, change, reason):
    path = save(tmp_path / "m")
    data = path.read_bytes()
    path.write_bytes(data[:change] if change < 0 else data + bytes(change))
    with pytest.raises(KeyfiltersError, match=rf"m\.bin: .*{reason}"):
        read(path)


def test_int8_weights_are_refused(tmp_path):
    extra = [("Convolution last 1 1 up last 0=1 1=1 6=2", (0x000D4B38).to_bytes(4, "little") + b"ab\0\0")]
    with pytest.raises(KeyfiltersError, match="'last' are of a type that is not read"):
        read(save(tmp_path / "m", extra=extra))


def test_kernels_that_do_not_divide_the_weights(tmp_path):
    extra = [("Convolution last 1 1 up last 0=2 1=3 6=19", bytes(80))]
    with pytest.raises(KeyfiltersError, match="'last' has 19 weights for 2 kernels 3x3"):
        read(save(tmp_path / "m", extra=extra))


@pytest.mark.fault("weight file", "an ncnn model without its `.param` or `.bin`", "one line names the file")
@pytest.mark.parametrize("suffix", [".bin", ".param"])
def test_missing_half(tmp_path, suffix):
    path = save(tmp_path / "m")
    path.with_suffix(suffix).unlink()
    with pytest.raises(KeyfiltersError, match=rf"m\{suffix} is missing"):
        read(path)


def test_weights_that_are_not_finite(tmp_path):
    path = save(tmp_path / "m", LAYERS[:1])
    path.write_bytes(bytes(4) + np.full(1, np.nan, "<f4").tobytes() + path.read_bytes()[8:])
    with pytest.raises(KeyfiltersError, match="NaN or infinite"):
        read(path).convolutions[0].load()


@pytest.mark.parametrize("text", ["", "123\n", "7767517\n1 1\nConvolution\n", "7767517\n1 1\nReLU r x 1\n"])
def test_not_a_graph(tmp_path, text):
    path = save(tmp_path / "m")
    path.with_suffix(".param").write_text(text)
    with pytest.raises(KeyfiltersError, match=r"no (readable )?ncnn file"):
        read(path)
