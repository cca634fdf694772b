"""ncnn: the graph in a `.param` text, the weights in the `.bin` beside it, layer after layer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.graph import greatest, longest_paths
from keyfilters.zoo.network import Convolution, Network, kind_of
from keyfilters.zoo.weights import convolution, reader

MAGIC = "7767517"
FLOAT16, FLOAT32 = 0x01306B47, (0, 0x0002C056)
CONVOLUTIONS = {"Convolution", "ConvolutionDepthWise", "Deconvolution", "DeconvolutionDepthWise"}
OTHER_CONVOLUTIONS = {f"{kind}{dimensions}" for kind in CONVOLUTIONS for dimensions in ("1D", "3D")}


@dataclass(frozen=True)
class _Layer:
    """A line of the `.param` file; `values` are its parameters by number."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    values: dict[int, int]

    def get(self, number: int, default: int = 0) -> int:
        return self.values.get(number, default)


def _recognises(path: Path, head: bytes) -> bool:
    graph, weights = path.with_suffix(".param"), path.with_suffix(".bin")
    if path not in (graph, weights) or not (graph.is_file() and weights.is_file()):
        return False
    with graph.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC.encode()


def _siblings(member: PurePosixPath) -> Callable[[str], bool]:
    return str(member.with_suffix(".param")).__eq__


FORMAT = Format(extensions=(".bin", ".param"), recognises=_recognises, siblings=_siblings)


@reader("ncnn")
def read(path: Path) -> Network:
    """The network of a `.bin` and a `.param` file of the same name, `path` being either."""
    graph, weights = path.with_suffix(".param"), path.with_suffix(".bin")
    for file in (graph, weights):
        if not file.is_file():
            raise KeyfiltersError(f"{path}: {file.name} is missing beside it")
    layers = list(_layers(graph))
    data = np.memmap(weights, np.uint8, "r") if weights.stat().st_size else np.empty(0, np.uint8)
    depths = _depths(layers)
    convolutions: list[Convolution] = []
    left_out: list[str] = []
    start = 0
    for layer, depth in zip(layers, depths, strict=True):
        if layer.kind in OTHER_CONVOLUTIONS:
            left_out.append(f"{layer.name}: {layer.kind}, no 2-D convolution")
        if layer.kind in CONVOLUTIONS and layer.get(19):
            left_out.append(f"{layer.name}: its weight is computed, not stored")
        elif layer.kind in CONVOLUTIONS:
            convolutions.append(_convolution(weights, layer, data, start, depth))
        start += _bytes(weights, layer, data, start)
        if start > len(data):
            raise KeyfiltersError(f"{weights}: ends at byte {len(data):,}, within the weights of {layer.name!r}")
    if start != len(data):
        raise KeyfiltersError(f"{weights}: has {len(data):,} bytes, and the layers of {graph.name} need {start:,}")
    operators = dict(sorted(Counter(layer.kind for layer in layers).items()))
    return Network(tuple(convolutions), operators, greatest(depths), left_out=tuple(left_out))


def _layers(graph: Path) -> Iterator[_Layer]:
    """Lines of `Type name n_inputs n_outputs inputs... outputs... number=value...`."""
    lines = graph.read_text().splitlines()
    if not lines or lines[0].strip() != MAGIC:
        raise KeyfiltersError(f"{graph}: no ncnn file (its first line is not {MAGIC})")
    for line in filter(None, map(str.split, lines[2:])):
        kind, name, inputs, outputs, *rest = line
        middle, end = int(inputs), int(inputs) + int(outputs)
        values = {}
        for item in rest[end:]:
            number, _, value = item.partition("=")
            # Lists have numbers below -23300; no count of weights depends on one. Scales may be real numbers.
            if int(number) >= 0:
                values[int(number)] = int(float(value))
        yield _Layer(kind, name, tuple(rest[:middle]), tuple(rest[middle:end]), values)


def _depths(layers: list[_Layer]) -> list[int | None]:
    producer = {name: i for i, layer in enumerate(layers) for name in layer.outputs}
    inputs = {name for layer in layers if layer.kind == "Input" for name in layer.outputs}
    before = [[producer[name] for name in layer.inputs if name in producer and name not in inputs] for layer in layers]
    return longest_paths(before, [i for i, layer in enumerate(layers) if inputs.intersection(layer.inputs)])


def _convolution(weights: Path, layer: _Layer, data: np.ndarray, start: int, depth: int | None) -> Convolution:
    out, width, groups = layer.get(0), layer.get(1), layer.get(7, 1)
    height = layer.get(11, width)
    shape = (out, layer.get(6) // max(out * height * width, 1), height, width)
    stride_width = layer.get(3, 1)
    if math.prod(shape) != layer.get(6):
        raise KeyfiltersError(
            f"{weights}: {layer.name!r} has {layer.get(6):,} weights for {out} kernels {height}x{width}"
        )
    return convolution(
        weights,
        layer.name,
        shape,
        partial(_values, weights, layer, data, start, shape),
        kind=kind_of(shape, groups, transposed=layer.kind.startswith("Deconvolution")),
        groups=groups,
        stride=(layer.get(13, stride_width), stride_width),
        depth=depth,
    )


def _values(weights: Path, layer: _Layer, data: np.ndarray, start: int, shape: tuple[int, ...]) -> np.ndarray:
    kind, _ = _tagged(weights, layer, data, start, math.prod(shape))
    return data[start + 4 : start + 4 + math.prod(shape) * kind.itemsize].view(kind).reshape(shape)


def _tagged(weights: Path, layer: _Layer, data: np.ndarray, start: int, count: int) -> tuple[np.dtype, int]:
    """Type and bytes, the tag with them, of `count` numbers whose first four bytes tell their type."""
    tag = data[start : start + 4]
    tag = int(tag.view("<u4")[0]) if len(tag) == 4 else 0  # of a file that ends here
    if tag == FLOAT16:
        return np.dtype("<f2"), 4 + (count * 2 + 3) // 4 * 4
    if tag in FLOAT32:
        return np.dtype("<f4"), 4 + count * 4
    raise KeyfiltersError(f"{weights}: weights of {layer.name!r} are of a type that is not read (tag {tag:#010x})")


def _bytes(weights: Path, layer: _Layer, data: np.ndarray, start: int) -> int:
    """Bytes of the weights of a layer of any kind; parameters without a tag are float32."""
    get = layer.get
    if layer.kind in CONVOLUTIONS | OTHER_CONVOLUTIONS and not get(19):
        return _tagged(weights, layer, data, start, get(6))[1] + get(0) * 4 * bool(get(5))
    if layer.kind == "InnerProduct":
        return _tagged(weights, layer, data, start, get(2))[1] + get(0) * 4 * bool(get(1))
    if layer.kind == "Scale":
        return 0 if get(0) == -233 else get(0) * 4 * (1 + bool(get(1)))  # -233: scaled by another layer's output
    if layer.kind == "MemoryData":
        return math.prod(get(number) or 1 for number in (0, 1, 2, 11)) * 4
    counts = {
        "PReLU": get(0),
        "BatchNorm": get(0) * 4,
        "InstanceNorm": get(0) * 2 * bool(get(2, 1)),
        "LayerNorm": get(0) * 2 * bool(get(2, 1)),
        "GroupNorm": get(1) * 2 * bool(get(3, 1)),
        "Normalize": get(3),
        "Bias": get(0),
    }
    return counts.get(layer.kind, 0) * 4
