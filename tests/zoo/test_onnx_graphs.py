"""Depths of nodes against networkx's longest paths, and graphs that no search over paths could walk."""

import networkx
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from keyfilters.zoo.onnx_graphs import depths, flatten, ordered


@st.composite
def connections(draw):
    """Of each node, the values that it reads: `x`, the constant `c`, or nodes before it; and a shuffle of the nodes."""
    count = draw(st.integers(1, 12))
    reads = [
        draw(st.lists(st.sampled_from(["x", "c", *map(str, range(node))]), min_size=1, max_size=3))
        for node in range(count)
    ]
    return reads, draw(st.permutations(range(count)))


def graph(reads, order):
    nodes = [helper.make_node("Sum", reads[index], [str(index)]) for index in order]
    inputs, outputs = [helper.make_tensor_value_info(name, 1, None) for name in ("x", "0")]
    constant = helper.make_tensor("c", 1, [1], [0.0])
    return helper.make_graph(nodes, "graph", [inputs], [outputs], [constant])


def depth_by_name(reads, order):
    vertices = flatten(graph(reads, order))
    depths_of_vertices = depths(vertices, ordered(vertices))
    return {
        vertex.node.output[0]: depth for vertex, depth in zip(vertices, depths_of_vertices, strict=True) if vertex.node
    }


@given(connections())
def test_depths_are_longest_paths_from_the_input(drawn):
    reads, order = drawn
    whole = networkx.DiGraph((source, str(node)) for node, sources in enumerate(reads) for source in sources)
    whole.add_node("x")
    reached = whole.subgraph({"x", *networkx.descendants(whole, "x")})
    for name, depth in depth_by_name(reads, order).items():
        if name not in reached:
            assert depth is None
        else:
            before = reached.subgraph({name, *networkx.ancestors(reached, name)})
            assert depth == networkx.dag_longest_path_length(before)


def test_a_dense_graph_takes_no_search_over_its_paths():
    reads = [["x"]] + [[str(before) for before in range(node)] for node in range(1, 300)]  # 2^298 paths
    assert depth_by_name(reads, range(300))["299"] == 300


def test_a_long_graph_needs_no_recursion():
    reads = [["x"]] + [[str(node)] for node in range(5000)]
    assert depth_by_name(reads, range(5001))["5000"] == 5001
