"""ONNX files with nothing but convolutions, which several tests use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def chain(path: Path, weights: Mapping[str, np.ndarray]) -> None:
    """Write a chain of convolutions with these weights, by name, to `path`."""
    nodes, tensor = [], "x"
    for name, weight in weights.items():
        nodes.append(
            helper.make_node("Conv", [tensor, name], [f"{name}_out"], name=name, pads=[weight.shape[2] // 2] * 4)
        )
        tensor = f"{name}_out"
    channels = next(iter(weights.values())).shape[1]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, 32, 32])],
        [helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, name) for name, weight in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
