"""Small ONNX models for tests."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def numbers(*shape, seed=0):
    """float32 normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def node(operator, inputs, output, name="", **attributes):
    """A node with one output; `inputs` by name, parted by spaces, `-` for one left out."""
    names = ["" if tensor == "-" else tensor for tensor in inputs.split()]
    return helper.make_node(operator, names, [output], name, **attributes)


def graph_of(nodes, tensors=None, inputs=("x",), outputs=None):
    """A graph with these nodes and tensors (arrays by name); what it gives is the last node's output."""
    stored = [
        tensor if isinstance(tensor, TensorProto) else numpy_helper.from_array(tensor, name)
        for name, tensor in (tensors or {}).items()
    ]
    output_names = outputs or [nodes[-1].output[0]]
    values = [[helper.make_tensor_value_info(name, FLOAT, None) for name in names] for names in (inputs, output_names)]
    return helper.make_graph(nodes, "tiny", *values, initializer=stored)


def model_of(nodes, tensors=None, op_set=21, **graph):
    """A model of one such graph."""
    return helper.make_model(graph_of(nodes, tensors, **graph), opset_imports=[helper.make_operatorsetid("", op_set)])


def save(model, folder):
    """The model as a file in `folder`."""
    path = folder / "tiny.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path
