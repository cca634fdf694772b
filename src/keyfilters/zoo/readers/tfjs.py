"""TensorFlow.js: graph models, layers models, and bare weight manifests (face-api.js), with shards beside them."""

from __future__ import annotations

import base64
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo import keras, tensorflow
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network
from keyfilters.zoo.tensorflow import Node, Weight
from keyfilters.zoo.weights import convolution, json_of, oihw_shape, reader

BYTES = {"float32": 4, "float16": 2, "int32": 4, "uint16": 2, "uint8": 1, "int8": 1, "bool": 1, "complex64": 8}


def _recognises(path: Path, head: bytes) -> bool:
    if not head.lstrip().startswith((b"{", b"[")):
        return False
    content = path.read_bytes()
    return b'"weightsManifest"' in content or (b'"paths"' in content and b'"weights"' in content)


def _listed(path: Path, part: str) -> list[str]:
    """The shards of a model or of a manifest."""
    document = json_of(path)
    groups = document.get("weightsManifest", []) if isinstance(document, dict) else document
    try:
        return [str(name) for group in groups for name in group["paths"]]
    except (TypeError, KeyError):
        raise KeyfiltersError("the weights manifest lists no paths") from None


FORMAT = Format(extensions=(".json",), recognises=_recognises, listed=_listed)


@reader("TF.js")
def read(path: Path) -> Network:
    """The network of a `model.json` or `*-weights_manifest.json`."""
    document = json_of(path)
    manifest = document if isinstance(document, list) else document["weightsManifest"]
    weights: dict[str, Weight] = {}
    for group in manifest:
        weights |= weights_of_group(path, group["weights"], Shards([_shard(path, name) for name in group["paths"]]))
    return network(path, document, weights)


def network(path: Path, document: Any, weights: Mapping[str, Weight]) -> Network:
    """The network of a parsed model file and its weights."""
    if isinstance(document, list):
        return _of_manifest(path, weights)
    topology = document["modelTopology"]
    producer = document.get("convertedBy") or document.get("generatedBy")
    if "node" in topology:
        nodes = [_node(node) for node in topology["node"]]
        return tensorflow.network(path, nodes, weights, producer=producer)
    return keras.network(path, topology.get("model_config", topology), weights, producer=producer)


def _of_manifest(path: Path, weights: Mapping[str, Weight]) -> Network:
    """Names, shapes and values alone: only a depthwise kernel is told apart, by the name that face-api.js gives it."""
    convolutions = []
    for name, weight in weights.items():
        if len(weight.shape) != 4:
            continue
        is_depthwise = name.endswith(("depthwise_filter", "depthwise_weights", "depthwise_kernel"))
        layout = "HWIM" if is_depthwise else "HWIO"
        facts = {"kind": "depthwise", "groups": weight.shape[2]} if is_depthwise else {}
        values = partial(weight.in_oihw, layout)
        convolutions.append(convolution(path, name, oihw_shape(weight.shape, layout), values, **facts))
    return Network(tuple(convolutions))


def _shard(path: Path, name: str) -> np.ndarray:
    """The bytes of a shard, mapped and not loaded."""
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise KeyfiltersError(f"{path}: the shard {name!r} lies outside the folder of the model")
    shard = path.parent / relative
    if not shard.is_file():
        raise KeyfiltersError(f"{path}: the shard {name!r} is missing beside it")
    return np.memmap(shard, np.uint8, "r") if shard.stat().st_size else np.empty(0, np.uint8)


class Shards:
    """The bytes of several shards as if they were one file; a weight may begin in one and end in the next."""

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self.parts = parts
        self.ends = list(accumulate(len(part) for part in parts))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def read(self, start: int, count: int) -> np.ndarray:
        """`count` bytes from `start`."""
        pieces = []
        shard = bisect_right(self.ends, start)
        while count and shard < len(self.parts):
            first = start - (self.ends[shard] - len(self.parts[shard]))
            piece = self.parts[shard][first : first + count]
            pieces.append(piece)
            start, count, shard = start + len(piece), count - len(piece), shard + 1
        return pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, np.uint8), *pieces])


def weights_of_group(path: Path, entries: Sequence[Mapping[str, Any]], shards: Shards) -> dict[str, Weight]:
    """The weights of a group, which lie one after the other without gaps."""
    weights = {}
    start = 0
    for entry in entries:
        shape = tuple(int(size) for size in entry["shape"])
        if any(size < 0 for size in shape):
            raise KeyfiltersError(f"{path}: {entry['name']!r} has the shape {shape}")
        quantization = entry.get("quantization") or {}
        stored = quantization.get("dtype", entry["dtype"])
        count = math.prod(shape)
        size = _string_bytes(shards, start, count) if stored == "string" else count * BYTES[stored]
        if stored != "string":
            values = partial(_values, shards, start, size, stored, shape, quantization)
            weights[entry["name"]] = Weight(shape, values)
        start += size
    if start != len(shards):
        raise KeyfiltersError(f"{path}: the weights need {start:,} bytes and the shards have {len(shards):,}")
    return weights


def _string_bytes(shards: Shards, start: int, count: int) -> int:
    """Bytes of `count` strings, each behind its length."""
    position = start
    for _ in range(count):
        if position + 4 > len(shards):
            break
        position += 4 + int(shards.read(position, 4).view("<u4")[0])
    return position - start


def _values(
    shards: Shards, start: int, size: int, stored: str, shape: tuple[int, ...], quantization: Mapping[str, Any]
) -> np.ndarray:
    values = np.frombuffer(shards.read(start, size).tobytes(), np.dtype(stored).newbyteorder("<")).reshape(shape)
    if "scale" not in quantization:
        return values
    # Both numbers are doubles in the file; TF.js itself counts in float32.
    scale, least = np.float32(quantization["scale"]), np.float32(quantization["min"])
    return values.astype(np.float32) * scale + least


def _node(node: Mapping[str, Any]) -> Node:
    attributes = node.get("attr") or {}
    strides = attributes.get("strides", {}).get("list", {}).get("i", [])
    data_format = attributes.get("data_format", {}).get("s", "TkhXQw==")
    if isinstance(data_format, list):  # bytes as numbers
        data_format = bytes(data_format).decode()
    elif data_format not in ("NHWC", "NCHW"):
        data_format = base64.b64decode(data_format).decode()
    inputs = tuple(node.get("input") or ())
    return Node(node["name"], node["op"], inputs, tuple(int(stride) for stride in strides), data_format)
