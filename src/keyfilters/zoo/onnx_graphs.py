"""The graph of an ONNX model with its subgraphs in their places, and the depth of every node in it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from onnx import GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto
from onnx.inliner import inline_local_functions

from keyfilters.errors import KeyfiltersError

_MOST_NODES = 1_000_000  # behind calls of local functions

Value = int | TensorProto | SparseTensorProto
"""What a name in a graph stands for: the output of the vertex with this index, or a tensor of the file."""


@dataclass(frozen=True)
class Vertex:
    """A node, or (`node` None) the place where values enter a graph or subgraph.

    `inputs`: what each of the node's inputs stands for, None where an optional one is left out.
    `hands_out`: what the outputs of its subgraphs stand for.
    """

    node: NodeProto | None
    inputs: list[Value | None] = field(default_factory=list)
    hands_out: list[Value] = field(default_factory=list)

    @property
    def sources(self) -> list[int]:
        """Indices of the vertices that it needs."""
        return [value for value in (*self.inputs, *self.hands_out) if isinstance(value, int)]


def flatten(graph: GraphProto) -> list[Vertex]:
    """All nodes of the graph and of its subgraphs, in the order of the file.

    The bodies of If, Loop and Scan stand in place of the node that has them and count once: what enters a body
    comes after the inputs of that node, and the node comes after all that its bodies hand out.
    Raises KeyfiltersError for a name that nothing gives or that two nodes give.
    """
    vertices: list[Vertex] = []
    _add(graph, ChainMap(), [], vertices)
    return vertices


def _add(
    graph: GraphProto, outer: ChainMap[str, Value], entering: Sequence[Value | None], vertices: list[Vertex]
) -> ChainMap[str, Value]:
    """Add the nodes of one graph to `vertices`; what the names in it stand for."""
    scope = outer.new_child()
    scope.update({tensor.name: tensor for tensor in graph.initializer})
    scope.update({tensor.values.name: tensor for tensor in graph.sparse_initializer})
    scope.update({value.name: len(vertices) for value in graph.input if value.name not in scope.maps[0]})
    vertices.append(Vertex(None, list(entering)))
    added = [Vertex(node) for node in graph.node]
    outputs: dict[str, Value] = {}
    for index, vertex in enumerate(added, start=len(vertices)):
        _check_text(vertex.node)
        for name in filter(None, vertex.node.output):
            if name in outputs:
                raise KeyfiltersError(f"two nodes give {name!r}")
            outputs[name] = index
    scope.update(outputs)
    vertices += added
    for vertex in added:
        vertex.inputs.extend([_look_up(scope, name) if name else None for name in vertex.node.input])
        for body in _bodies(vertex.node):
            inner = _add(body, scope, vertex.inputs, vertices)
            vertex.hands_out.extend([_look_up(inner, value.name) for value in body.output])
    return scope


def _check_text(node: NodeProto) -> None:
    """Raise KeyfiltersError for bytes where text belongs, which the protobuf library lets pass."""
    if not all(isinstance(text, str) for text in (node.op_type, node.name, *node.input, *node.output)):
        raise KeyfiltersError("a node's name, operator, input or output is no text")


def _bodies(node: NodeProto) -> Iterable[GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _look_up(scope: ChainMap[str, Value], name: str) -> Value:
    if name not in scope:
        raise KeyfiltersError(f"nothing gives {name!r}, which the graph needs")
    return scope[name]


def ordered(vertices: Sequence[Vertex]) -> list[int]:
    """Indices of the vertices, each after all that it needs. Raises KeyfiltersError for a cycle."""
    try:
        return list(TopologicalSorter({i: vertex.sources for i, vertex in enumerate(vertices)}).static_order())
    except CycleError as error:
        nodes = [vertices[index].node for index in error.args[1]]
        names = [node.name or node.op_type for node in nodes if node]
        raise KeyfiltersError(f"the graph is a cycle at node {names[0]!r}") from error


def depths(vertices: Sequence[Vertex], order: Iterable[int]) -> list[int | None]:
    """Of each vertex, the nodes on the longest path from an input of the network to it, itself included.

    0 where the network's inputs enter; None for what depends on constants only, such as a stored weight's cast.
    """
    longest: list[int | None] = [None] * len(vertices)
    longest[0] = 0
    for index in order:
        before = [depth for source in vertices[index].sources if (depth := longest[source]) is not None]
        if before:
            longest[index] = max(before) + (vertices[index].node is not None)
    return longest


def inlined(model: ModelProto) -> ModelProto:
    """The model with the bodies of its local functions in place of their calls.

    Raises KeyfiltersError for functions that call themselves, would make millions of nodes, or do not fit.
    """
    if not model.functions:
        return model
    if _inlined_size(model) > _MOST_NODES:
        raise KeyfiltersError(f"its local functions stand for more than {_MOST_NODES:,} nodes")
    try:
        model = inline_local_functions(model)
    except Exception as error:  # of any type: the library's compiled part says what it does not like
        raise KeyfiltersError(f"its local functions cannot be put in place: {error}") from error
    if model.functions:
        raise KeyfiltersError(f"the local function {model.functions[0].name!r} cannot be put in place")
    return model


def _inlined_size(model: ModelProto) -> int:
    """How many nodes the model has with its functions in place, found without making them."""
    parts = {(function.domain, function.name): list(_walk(function.node)) for function in model.functions}
    calls = {name: {_called(node) for node in nodes} & parts.keys() for name, nodes in parts.items()}
    sizes: dict[tuple[str, str], int] = {}
    try:
        for name in TopologicalSorter(calls).static_order():
            sizes[name] = sum(sizes.get(_called(node), 1) for node in parts[name])
    except CycleError as error:
        raise KeyfiltersError(f"the local function {error.args[1][0][1]!r} calls itself") from error
    return sum(sizes.get(_called(node), 1) for node in _walk(model.graph.node))


def _called(node: NodeProto) -> tuple[str, str]:
    return node.domain, node.op_type


def _walk(nodes: Iterable[NodeProto]) -> Iterable[NodeProto]:
    """The nodes and those of their subgraphs."""
    for node in nodes:
        yield node
        for body in _bodies(node):
            yield from _walk(body.node)


def users(vertices: Sequence[Vertex]) -> dict[int, list[int]]:
    """Of each vertex whose output is read, the vertices that read it."""
    readers: dict[int, list[int]] = {}
    for index, vertex in enumerate(vertices):
        for source in vertex.sources:
            readers.setdefault(source, []).append(index)
    return readers
