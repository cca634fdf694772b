"""Convolutions out of ONNX models, whatever holds their weights, and what is wrong with a model in one line."""

import itertools

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.onnx_files import LARGE
from keyfilters.zoo.readers.onnx import read
from tests.helpers.tiny_onnx import FLOAT, graph_of, model_of, node, numbers, save

WEIGHT = numbers(4, 3, 3, 3)
SCALES = np.array([0.5, 0.25, 2, 1], np.float32)
INTEGERS = np.random.default_rng(0).integers(0, 16, (4, 3, 3, 3), dtype=np.uint8)


def only(nodes, tensors, folder, **options):
    """The one convolution of a model."""
    network = read(save(model_of(nodes, tensors, **options), folder))
    assert not network.left_out
    (convolution,) = network.convolutions
    assert convolution.load().shape == convolution.shape
    assert convolution.load().dtype == np.float32
    return convolution


def load_all(path):
    for convolution in read(path).convolutions:
        assert convolution.load().shape == convolution.shape


def refusal(model, folder):
    """The line that a model gets, without the name of the file, which must begin it."""
    path = save(model, folder)
    with pytest.raises(KeyfiltersError) as error:
        load_all(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value).removeprefix(f"{path}: ")


def test_a_network_is_told_whole(tmp_path):
    tensors = {"a": numbers(8, 3, 3, 3), "b": numbers(8, 1, 5, 5), "c": numbers(6, 4, 1, 1), "d": numbers(2, 8, 1, 1)}
    nodes = [
        node("Conv", "x a", "1", strides=[2, 1]),
        node("Relu", "1", "2"),
        node("Conv", "2 b", "3", "dw", group=8),
        node("Conv", "1 c", "4", "grouped", group=2),
        node("Conv", "3 d", "5"),
    ]
    model = model_of(nodes, tensors, op_set=17)
    model.producer_name, model.producer_version = "someone", "1.2"
    network = read(save(model, tmp_path))
    assert [(c.name, c.shape, c.kind, c.groups, c.stride, c.depth) for c in network.convolutions] == [
        ("a", (8, 3, 3, 3), "regular", 1, (2, 1), 1),
        ("grouped", (6, 4, 1, 1), "grouped", 2, (1, 1), 2),
        ("dw", (8, 1, 5, 5), "depthwise", 8, (1, 1), 3),
        ("d", (2, 8, 1, 1), "pointwise", 1, (1, 1), 4),
    ]
    assert (network.operators, network.depth) == ({"Conv": 4, "Relu": 1}, 4)
    assert (network.producer, network.op_set, network.left_out) == ("someone 1.2", 17, ())
    for convolution, name in zip(network.convolutions, "acbd", strict=True):
        assert np.array_equal(convolution.load(), tensors[name])


def test_large_tensors_stay_on_disk(tmp_path):
    weight = numbers(64, 16, 3, 3)
    assert weight.nbytes > LARGE
    path = save(model_of([node("Conv", "x w", "y")], {"w": weight}), tmp_path)
    (convolution,) = read(path).convolutions
    path.write_bytes(path.read_bytes().replace(weight.tobytes(), (weight + 1).tobytes()))
    assert np.array_equal(convolution.load(), weight + 1)


@pytest.mark.parametrize("count", [1, 64])
def test_a_large_tensor_may_be_typed_numbers_or_say_after_its_bytes_where_they_are(tmp_path, count):
    weight = numbers(count, 16, 3, 3)
    typed = helper.make_tensor("w", FLOAT, weight.shape, weight.ravel())
    assert typed.float_data
    assert np.array_equal(only([node("Conv", "x w", "y")], {"w": typed}, tmp_path).load(), weight)
    plain = numpy_helper.from_array(weight, "w")
    plain.data_location = TensorProto.DEFAULT
    assert np.array_equal(only([node("Conv", "x w", "y")], {"w": plain}, tmp_path).load(), weight)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16, np.int8])
def test_every_type_of_number_becomes_float32(tmp_path, dtype, large):
    weight = (4 * numbers(*((64, 64, 3, 3) if large else (2, 3, 3, 3)))).astype(dtype)
    convolution = only([node("Conv", "x w", "y")], {"w": weight}, tmp_path)
    assert np.array_equal(convolution.load(), weight.astype(np.float32))


def test_half_precision_as_typed_integers(tmp_path):
    half = helper.make_tensor("w", TensorProto.FLOAT16, WEIGHT.shape, WEIGHT.ravel())
    assert half.int32_data
    convolution = only([node("Conv", "x w", "y")], {"w": half}, tmp_path)
    assert np.array_equal(convolution.load(), WEIGHT.astype(np.float16).astype(np.float32))


STEPS = {
    "Identity": ([node("Identity", "w", "a"), node("Identity", "a", "v")], {"w": WEIGHT}, WEIGHT),
    "Constant": ([helper.make_node("Constant", [], ["v"], value=numpy_helper.from_array(WEIGHT))], {}, WEIGHT),
    "Constant of numbers, Reshape": (
        [
            helper.make_node("Constant", [], ["a"], value_floats=WEIGHT.ravel()),
            helper.make_node("Constant", [], ["s"], value_ints=WEIGHT.shape),
            node("Reshape", "a s", "v"),
        ],
        {},
        WEIGHT,
    ),
    "Cast": ([node("Cast", "w", "v", to=FLOAT)], {"w": WEIGHT.astype(np.float16)}, WEIGHT.astype(np.float16)),
    "Transpose": ([node("Transpose", "w", "v", perm=[3, 2, 0, 1])], {"w": WEIGHT.transpose(2, 3, 1, 0)}, WEIGHT),
    "Reshape": (
        [node("Reshape", "w s", "v")],
        {"w": WEIGHT.reshape(4, 27), "s": np.array([0, 3, -1, 3])},
        WEIGHT,
    ),
    "Quant": ([node("Quant", "w s z b", "v")], {"w": WEIGHT, "s": SCALES, "z": SCALES, "b": SCALES}, WEIGHT),
    "DequantizeLinear per tensor": (
        [node("DequantizeLinear", "w s z", "v")],
        {"w": INTEGERS, "s": np.float32(0.5), "z": np.uint8(7)},
        (INTEGERS - 7.0) * 0.5,
    ),
    "DequantizeLinear without zero point": (
        [node("DequantizeLinear", "w s", "v")],
        {"w": INTEGERS, "s": np.float32(0.5)},
        INTEGERS * 0.5,
    ),
    "DequantizeLinear per axis": (
        [node("DequantizeLinear", "w s z", "v", axis=0)],
        {"w": INTEGERS, "s": SCALES, "z": np.arange(4, dtype=np.uint8)},
        (INTEGERS - np.arange(4.0)[:, None, None, None]) * SCALES[:, None, None, None],
    ),
    "DequantizeLinear in blocks": (
        [node("DequantizeLinear", "w s", "v", axis=0, block_size=2)],
        {"w": INTEGERS, "s": np.stack([WEIGHT[0], WEIGHT[1]])},
        INTEGERS * np.repeat(WEIGHT[:2], 2, axis=0),
    ),
    "DequantizeLinear of four bits": (
        [node("DequantizeLinear", "w s", "v", axis=0)],
        {"w": INTEGERS.astype(ml_dtypes.uint4), "s": SCALES},
        INTEGERS * SCALES[:, None, None, None],
    ),
    "quantised and back": (
        [node("QuantizeLinear", "w s z", "q"), node("DequantizeLinear", "q s z", "v")],
        {"w": np.float32(INTEGERS), "s": np.float32(1), "z": np.int8(0)},
        INTEGERS,
    ),
}


@pytest.mark.parametrize("op_set", [13, 21])
@pytest.mark.parametrize("step", STEPS)
def test_weights_are_found_behind(step, op_set, tmp_path):
    nodes, tensors, weight = STEPS[step]
    if op_set == 13 and ("blocks" in step or "four bits" in step):
        op_set = 23
    convolution = only([*nodes, node("Conv", "x v", "y")], tensors, tmp_path, op_set=op_set)
    assert np.allclose(convolution.load(), weight, rtol=1e-6, atol=0)
    assert convolution.depth == 1  # what makes a weight is on no path from an input


def test_four_bits_stay_on_disk_too(tmp_path):
    integers = np.random.default_rng(0).integers(-8, 8, (32, 32, 3, 3)).astype(ml_dtypes.int4)
    nodes = [node("DequantizeLinear", "w s", "v"), node("Conv", "x v", "y")]
    convolution = only(nodes, {"w": integers, "s": np.float32(0.5)}, tmp_path)
    assert np.array_equal(convolution.load(), integers.astype(np.float32) * 0.5)


def test_convolutions_of_integers(tmp_path):
    tensors = {"w": INTEGERS, "zero": np.full(4, 3, np.uint8), "scale": SCALES, "one": np.float32(1), "z": np.uint8(0)}
    expected = (INTEGERS - 3.0) * SCALES[:, None, None, None]
    convolution = only([node("QLinearConv", "x one z w scale zero one z", "y")], tensors, tmp_path)
    assert np.array_equal(convolution.load(), expected)
    convolution = only([node("ConvInteger", "x w z zero", "y")], tensors, tmp_path)
    assert np.array_equal(convolution.load(), INTEGERS - 3.0)
    convolution = only([node("ConvInteger", "x w", "y")], tensors, tmp_path)
    assert np.array_equal(convolution.load(), INTEGERS)


def test_dynamic_quantisation_leaves_the_scale_behind_the_convolution(tmp_path):
    tensors = {"w": INTEGERS, "zero": np.uint8(3), "scale": np.float32(0.25)}
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "x_scale", "x_zero"]),
        node("ConvInteger", "q w x_zero zero", "1"),
        node("Cast", "1", "2", to=FLOAT),
        node("Mul", "x_scale scale", "3"),
        node("Mul", "2 3", "y"),
    ]
    assert np.array_equal(only(nodes, tensors, tmp_path).load(), (INTEGERS - 3.0) * 0.25)


def test_a_transposed_convolution_has_its_outputs_first(tmp_path):
    stored = numbers(4, 3, 2, 5)  # 4 inputs, 2 groups of 3 outputs
    convolution = only([node("ConvTranspose", "x w", "y", group=2)], {"w": stored}, tmp_path)
    assert (convolution.shape, convolution.kind, convolution.groups) == ((6, 2, 2, 5), "transposed", 2)
    for output in range(6):
        for channel in range(2):
            kernel = stored[output // 3 * 2 + channel, output % 3]
            assert np.array_equal(convolution.load()[output, channel], kernel)


def test_names_are_unique(tmp_path):
    names = ["a", "a_2", "a", "", "two\nlines"]
    nodes = [node("Conv", "x w", str(i), name) for i, name in enumerate(names)]
    network = read(save(model_of([*nodes, node("Conv", "x w", "y", "a")], {"w": WEIGHT}), tmp_path))
    assert [c.name for c in network.convolutions] == ["a", "a_2", "a_3", "w", "two lines", "a_4"]


def test_what_is_no_2d_convolution_with_weights_is_listed(tmp_path):
    tensors = {"1d": numbers(4, 3, 3), "3d": numbers(4, 3, 3, 3, 3), "w": WEIGHT, "one": np.float32(1)}
    nodes = [
        node("Conv", "x 1d", "1", "line"),
        node("Conv", "x 3d", "2", "volume"),
        node("Conv", "x x", "3", "dynamic"),
        node("Mul", "w one", "4"),
        node("Conv", "x 4", "5", "made"),
        node("Conv", "w w", "6", "constant"),
        node("Conv", "x", "7", "without"),
        node("DeformConv", "x w x", "8", "deformed"),
        node("QLinearConv", "x one one w x one one one", "9", "scaled"),
        node("QLinearConv", "x one one w - one one one", "10", "unscaled"),
        node("Conv", "x w", "y", "good"),
    ]
    network = read(save(model_of(nodes, tensors), tmp_path))
    assert [convolution.name for convolution in network.convolutions] == ["good"]
    assert [line.split(":")[0] for line in network.left_out] == [
        "line", "volume", "dynamic", "made", "constant", "without", "deformed", "scaled",
        "unscaled",
    ]  # fmt: skip
    reasons = "\n".join(network.left_out)
    for reason in ("a 1-D conv", "a 3-D conv", "is no constant", "no path leads", "has no weight", "DeformConv is"):
        assert reason in reasons


def test_subgraphs_are_walked(tmp_path):
    then = graph_of([node("Conv", "1 w", "t", "then")], inputs=())
    otherwise = graph_of(
        [node("Relu", "1", "o1"), node("Conv", "o1 inner", "t", "otherwise")], {"inner": WEIGHT[:, :, :1]}, inputs=()
    )
    body = graph_of([node("Conv", "carried w", "out", "body")], inputs=("i", "go", "carried"), outputs=["go", "out"])
    nodes = [
        node("Relu", "x", "1"),
        helper.make_node("If", ["choice"], ["2"], then_branch=then, else_branch=otherwise),
        helper.make_node("Loop", ["", "choice", "2"], ["3"], body=body),
        node("Conv", "3 w", "y", "last"),
    ]
    network = read(save(model_of(nodes, {"w": WEIGHT}, inputs=("x", "choice")), tmp_path))
    # x -> Relu 1 -> then 2 or (Relu 2 -> otherwise 3) -> If 4 -> body 5 -> Loop 6 -> last 7
    depths = {convolution.name: convolution.depth for convolution in network.convolutions}
    assert depths == {"then": 2, "otherwise": 3, "body": 5, "last": 7}
    assert network.operators == {"Conv": 4, "Relu": 2, "If": 1, "Loop": 1}
    assert network.convolutions[1].shape == (4, 3, 1, 3)


def test_a_subgraph_in_a_graph_without_names_counts_for_the_depth(tmp_path):
    inner = graph_of([node("Conv", "x w", "i")], inputs=())
    outer = graph_of([helper.make_node("If", ["c"], ["o"], then_branch=inner, else_branch=inner)], inputs=())
    nodes = [helper.make_node("If", ["c"], ["1"], then_branch=outer, else_branch=outer), node("Conv", "1 w", "y")]
    network = read(save(model_of(nodes, {"w": WEIGHT}, inputs=("x", "c")), tmp_path))
    assert [convolution.depth for convolution in network.convolutions] == [1, 1, 1, 1, 4]


def with_functions(*functions):
    """A model whose one node calls the first of these functions (their nodes by name), of the input x and weight w."""
    ids = [helper.make_operatorsetid("", 18), helper.make_operatorsetid("local", 1)]
    call = node("f", "x w", "y", "call", domain="local", group=3)
    model = helper.make_model(graph_of([call], {"w": WEIGHT[:3, :1]}), opset_imports=ids)
    for name, nodes in functions:
        model.functions.append(
            helper.make_function("local", name, ["fx", "fw"], ["fy"], nodes, ids, attributes=["group"])
        )
    return model


def test_local_functions_are_put_in_place(tmp_path):
    convolution = node("Conv", "1 fw", "fy", "inside")
    reference = helper.make_attribute("group", 1)
    reference.ref_attr_name = "group"
    reference.ClearField("i")
    convolution.attribute.append(reference)
    network = read(save(with_functions(("f", [node("Relu", "fx", "1"), convolution])), tmp_path))
    (inside,) = network.convolutions
    assert (inside.kind, inside.groups, inside.depth) == ("depthwise", 3, 2)
    assert np.array_equal(inside.load(), WEIGHT[:3, :1])
    assert network.operators == {"Conv": 1, "Relu": 1}


def test_a_function_that_calls_itself_is_refused(tmp_path):
    again = node("f", "fx fw", "fy", domain="local", group=1)
    assert "local function" in refusal(with_functions(("f", [again])), tmp_path)


def test_functions_that_multiply_without_end_are_refused(tmp_path):
    def twice(name):
        return [
            node(name, "fx fw", "1", domain="local", group=1),
            node(name, "1 fw", "fy", domain="local", group=1),
        ]

    names = ["f", *(f"f{level}" for level in range(60))]
    functions = [(name, twice(called)) for name, called in itertools.pairwise(names)]
    model = with_functions(*functions, (names[-1], [node("Conv", "fx fw", "fy")]))
    assert "local functions" in refusal(model, tmp_path)


def external(folder, location="data.bin", length=None, offset=0):
    """A model whose weight lies in another file, and that file beside it."""
    tensor = numpy_helper.from_array(WEIGHT, "w")
    (folder / "data.bin").write_bytes(bytes(offset) + tensor.raw_data)
    set_external_data(tensor, location, offset, WEIGHT.nbytes if length is None else length)
    tensor.ClearField("raw_data")
    return model_of([node("Conv", "x w", "y")], {"w": tensor})


def test_external_data_are_read_from_the_folder(tmp_path):
    (convolution,) = read(save(external(tmp_path, offset=12), tmp_path)).convolutions
    assert np.array_equal(convolution.load(), WEIGHT)


@pytest.mark.fault(
    "weight file", "an ONNX file whose data lie outside its folder, also by a link", "refused; nothing outside is read"
)
@pytest.mark.parametrize("location", ["../data.bin", "link.bin", "link/data.bin", "/etc/passwd", "missing.bin", "."])
def test_external_data_outside_the_folder_are_refused(tmp_path, location):
    folder = tmp_path / "model"
    folder.mkdir()
    model = external(tmp_path, location)
    (folder / "link.bin").symlink_to(tmp_path / "data.bin")
    (folder / "link").symlink_to(tmp_path)
    line = refusal(model, folder)
    assert location in line
    assert ("missing" if location in ("missing.bin", ".") else "outside the model's folder") in line


@pytest.mark.parametrize("wrong", [{"length": 4}, {"length": -4}, {"offset": 10**9, "length": 8}, {"length": 10**12}])
def test_external_data_that_do_not_fill_the_shape_are_refused(tmp_path, wrong):
    model = external(tmp_path, length=wrong.get("length"))
    if "offset" in wrong:
        model.graph.initializer[0].external_data[1].value = str(wrong["offset"])
    assert refusal(model, tmp_path)


def broken(change, weight=WEIGHT):
    """A model whose weight tensor was changed by this function."""
    tensor = numpy_helper.from_array(weight, "w")
    change(tensor)
    return model_of([node("Conv", "x w", "y", "layer")], {"w": tensor})


@pytest.mark.parametrize("weight", [WEIGHT, numbers(64, 16, 3, 3)], ids=["small", "large"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tensor: tensor.dims.__setitem__(0, 99), "do not fill its shape"),
        (lambda tensor: tensor.dims.__setitem__(0, 2**62), "do not fill its shape"),
        (lambda tensor: tensor.dims.__setitem__(0, -1), "impossible shape"),
        (lambda tensor: tensor.dims.__setitem__(0, 0), ""),
        (lambda tensor: setattr(tensor, "data_type", 99), "data type 99"),
        (lambda tensor: setattr(tensor, "data_type", TensorProto.STRING), "data type 8"),
        (lambda tensor: setattr(tensor, "data_type", TensorProto.UNDEFINED), "data type 0"),
        (lambda tensor: tensor.ClearField("raw_data"), "do not fill its shape"),
    ],
)
def test_a_tensor_that_is_not_what_it_says_is_refused(tmp_path, change, reason, weight):
    assert reason in refusal(broken(change, weight), tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused_with_their_layer(tmp_path, value):
    weight = WEIGHT.copy()
    weight[1, 2, 0, 1] = value
    model = model_of([node("Conv", "x w", "y", "layer")], {"w": weight})
    assert read(save(model, tmp_path)).convolutions  # told when the layer is loaded
    assert "'layer'" in refusal(model, tmp_path)


@pytest.mark.parametrize("attributes", [{"group": 0}, {"group": 3}, {"strides": [1, 1, 1]}])
def test_impossible_convolutions_are_refused(tmp_path, attributes):
    assert "layer" in refusal(model_of([node("Conv", "x w", "y", "layer", **attributes)], {"w": WEIGHT}), tmp_path)


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    model = model_of([node("Conv", "x w", "y")], {"w": numbers(64, 16, 3, 3)})
    whole = model.SerializeToString()
    model.ClearField("opset_import")
    for length in (1, 40, len(whole) // 2, model.ByteSize(), len(whole) - 1):
        assert "cut short" in refusal(whole[:length], tmp_path)
    assert "not an ONNX model" in refusal(b"", tmp_path)


def test_another_protobuf_is_refused(tmp_path):
    assert "not an ONNX" in refusal(numpy_helper.from_array(WEIGHT, "w").SerializeToString(), tmp_path)
    assert "without nodes" in refusal(b"\x08\x0a" + 2000 * b"\x10\x01", tmp_path)
    assert "not an ONNX" in refusal(b"PK\x03\x04" + bytes(5000), tmp_path)


@pytest.mark.fault("weight file", "an ONNX file of messages within messages without end", "refused in one line")
def test_messages_without_end_are_refused(tmp_path):
    graph = bytes(LARGE)
    for _ in range(2000):  # a graph as attribute of a node of a graph ...
        for field in (6, 5, 1):
            graph = _field(field, graph)
    assert "not an ONNX" in refusal(_field(7, graph), tmp_path)


def _field(number, data):
    length, size = len(data), b""
    while length > 127:
        size += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + data


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(KeyfiltersError, match=r"none\.onnx: cannot be read: No such file"):
        read(tmp_path / "none.onnx")


def test_a_file_that_vanishes_before_its_weights_are_read_is_told(tmp_path):
    path = save(model_of([node("Conv", "x w", "y")], {"w": numbers(64, 16, 3, 3)}), tmp_path)
    (convolution,) = read(path).convolutions
    whole = path.read_bytes()
    path.write_bytes(whole[:-40000])
    with pytest.raises(KeyfiltersError, match=r"tiny\.onnx: .*(shorter|do not fill)"):
        convolution.load()
    path.unlink()
    with pytest.raises(KeyfiltersError, match=r"tiny\.onnx: cannot be read: No such file"):
        convolution.load()


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([node("Relu", "b", "a", "one"), node("Relu", "a", "b", "two")], "cycle at node 'one'"),
        ([node("Relu", "nowhere", "a")], "nothing gives 'nowhere'"),
        ([node("Relu", "x", "a"), node("Relu", "x", "a")], "two nodes give 'a'"),
    ],
)
def test_a_graph_that_cannot_be_run_is_refused(tmp_path, nodes, reason):
    assert reason in refusal(model_of([*nodes, node("Conv", "a w", "y")], {"w": WEIGHT}), tmp_path)


def everything():
    """A small model with much of what a model may have, its file half graph and half weights."""
    then = graph_of([node("Conv", "1 w", "t")], inputs=())
    otherwise = graph_of([node("Identity", "1", "t")], inputs=())
    nodes = [
        node("Conv", "x w", "1", strides=[2, 2]),
        helper.make_node("If", ["c"], ["2"], then_branch=then, else_branch=otherwise),
        node("DequantizeLinear", "q s", "3", axis=0),
        node("Conv", "2 3", "4", group=1),
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(WEIGHT[:, :, :1, :1])),
        node("Transpose", "k", "kt", perm=[1, 0, 2, 3]),
        node("ConvTranspose", "4 kt", "5"),
        node("f", "5 w", "6", domain="local"),
        node("ConvInteger", "6 q", "y"),
    ]
    ids = [helper.make_operatorsetid("", 18), helper.make_operatorsetid("local", 1)]
    tensors = {"w": WEIGHT, "q": INTEGERS, "s": SCALES, "l": numbers(32, 32, 1, 1)}
    graph = graph_of([*nodes[:-1], node("Conv", "6 l", "7"), nodes[-1]], tensors, inputs=("x", "c"))
    model = helper.make_model(graph, opset_imports=ids)
    model.functions.append(helper.make_function("local", "f", ["fx", "fw"], ["fy"], [node("Conv", "fx fw", "fy")], ids))
    return model.SerializeToString()


EVERYTHING = everything()


def loads_or_is_refused(data, folder):
    path, line = save(bytes(data), folder), None
    try:
        load_all(path)
    except KeyfiltersError as error:
        line = str(error)
    assert line is None or (line.startswith(f"{path}: ") and "\n" not in line)


def test_the_model_to_be_mutated_is_sound(tmp_path):
    assert len(read(save(EVERYTHING, tmp_path)).convolutions) == 7


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    flips=st.lists(st.tuples(st.integers(0, len(EVERYTHING) - 1), st.integers(0, 255)), max_size=4),
    length=st.one_of(st.just(len(EVERYTHING)), st.integers(0, len(EVERYTHING))),
)
def test_mutated_models_are_read_or_refused(tmp_path, flips, length):
    data = bytearray(EVERYTHING)
    for position, value in flips:
        data[position] = value
    loads_or_is_refused(data[:length], tmp_path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(begin=st.integers(0, len(EVERYTHING)), removed=st.integers(0, 40), inserted=st.binary(max_size=8))
def test_models_with_other_bytes_in_between_are_read_or_refused(tmp_path, begin, removed, inserted):
    loads_or_is_refused(EVERYTHING[:begin] + inserted + EVERYTHING[begin + removed :], tmp_path)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(tmp_path, data):
    loads_or_is_refused(data, tmp_path)
