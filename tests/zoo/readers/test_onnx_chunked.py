"""ONNX in chunks: as the whole file."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.readers import onnx_chunked

WEIGHT = np.arange(72, dtype=np.float32).reshape(4, 2, 3, 3)


@pytest.fixture
def resources(tmp_path):
    """A list whose model `/models/medium` is in three chunks, `/models/broken` in one that is missing."""
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="conv")],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6])],
        [numpy_helper.from_array(WEIGHT, "w")],
    )
    content = helper.make_model(graph).SerializeToString()
    assert onnx.load_from_string(content)
    parts = {"c": content[:100], "a": content[100:150], "b": content[150:]}
    for name, part in parts.items():
        (tmp_path / name).write_bytes(part)
    lists = {"/models/medium": list(parts), "/models/broken": ["z"], "/models/other": ["c", "b"]}
    path = tmp_path / "resources.json"
    path.write_text(json.dumps({key: {"chunks": [{"hash": name} for name in names]} for key, names in lists.items()}))
    return path


def test_the_chunks_are_joined_in_the_order_of_the_list(resources):
    (layer,) = onnx_chunked.read(resources, key="/models/medium").convolutions
    np.testing.assert_array_equal(layer.load(), WEIGHT)


@pytest.mark.parametrize("key", ["/models/broken", "/models/other", "/models/none"])
def test_a_list_that_does_not_fit_its_chunks_is_refused(resources, key):
    with pytest.raises(KeyfiltersError) as error:
        onnx_chunked.read(resources, key=key)
    assert "\n" not in str(error.value)
