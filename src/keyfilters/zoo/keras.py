"""Convolutions of Keras models from their configuration, whichever file holds it: HDF5 and TF.js layers models."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from keyfilters.zoo.graph import greatest, longest_paths
from keyfilters.zoo.network import Convolution, Network, kind_of
from keyfilters.zoo.tensorflow import Weight
from keyfilters.zoo.weights import convolution, oihw_shape

# Class of the layer and last part of the weight's name to the layout of the weight.
LAYOUTS = {
    ("Conv2D", "kernel"): "HWIO",
    ("Convolution2D", "kernel"): "HWIO",
    ("DepthwiseConv2D", "kernel"): "HWIM",
    ("DepthwiseConv2D", "depthwise_kernel"): "HWIM",
    ("SeparableConv2D", "depthwise_kernel"): "HWIM",
    ("SeparableConv2D", "pointwise_kernel"): "HWIO",
    ("Conv2DTranspose", "kernel"): "HWOI",
}
KERNELS = {"kernel", "depthwise_kernel", "pointwise_kernel"}


@dataclass(frozen=True)
class _Layer:
    kind: str
    config: Mapping[str, Any]
    depth: int | None


def network(path: Path, config: Any, weights: Mapping[str, Weight], **facts: Any) -> Network:
    """The network of a model's configuration (None where the file has weights alone) and its weights by name.

    Weights are named `[...]/<layer>/kernel`. Without the configuration a depthwise kernel is known by its name, and a
    kernel of four dimensions is taken as HWIO, of unknown kind: that of a transposed convolution is HWOI.
    """
    layers, operators, depth = _layers(config) if config is not None else ({}, None, None)
    convolutions: list[Convolution] = []
    left_out: list[str] = []
    for name, weight in weights.items():
        *path_parts, leaf = name.split("/")
        leaf = leaf.partition(":")[0]
        if leaf not in KERNELS or len(weight.shape) < 3:
            continue
        layer = next((layers[part] for part in reversed(path_parts) if part in layers), None)
        if len(weight.shape) != 4:
            left_out.append(f"{name}: a kernel of {len(weight.shape)} dimensions, no 2-D convolution")
        else:
            convolutions.append(_convolution(path, name, leaf, weight, layer))
    # Stable: where depths are unknown or equal the order of the file stays.
    convolutions.sort(key=lambda c: float("inf") if c.depth is None else c.depth)
    return Network(tuple(convolutions), operators, depth, left_out=tuple(left_out), **facts)


def _convolution(path: Path, name: str, leaf: str, weight: Weight, layer: _Layer | None) -> Convolution:
    kind, config = (layer.kind, layer.config) if layer else ("", {})
    layout = LAYOUTS.get((kind, leaf), "HWIM" if leaf == "depthwise_kernel" else "HWIO")
    shape = oihw_shape(weight.shape, layout)
    facts: dict[str, Any] = {"depth": layer.depth if layer else None}
    is_known = (kind, leaf) in LAYOUTS or leaf != "kernel"
    if is_known:
        groups = weight.shape[2] if layout == "HWIM" else int(config.get("groups", 1))
        facts |= {"kind": kind_of(shape, groups, transposed=layout == "HWOI"), "groups": groups}
    if is_known and layer:
        facts["stride"] = (1, 1) if leaf == "pointwise_kernel" else _pair(config.get("strides", 1))
    return convolution(path, name, shape, partial(weight.in_oihw, layout), **facts)


def _pair(strides: int | Sequence[int]) -> tuple[int, int]:
    return (strides, strides) if isinstance(strides, int) else (int(strides[0]), int(strides[1]))


def _layers(config: Any) -> tuple[dict[str, _Layer], dict[str, int], int | None]:
    """The layers by name, those of nested models too, how many of each class there are, and the model's depth."""
    if isinstance(config, str | bytes):
        config = json.loads(config)
    flat = list(_flat(config, []))
    names = [entry["config"].get("name", entry.get("name", "")) for entry, _ in flat]
    index = {name: position for position, name in enumerate(names)}
    reads = [[index[name] for name in inputs if name in index] for _, inputs in flat]
    is_input = [layer["class_name"] == "InputLayer" and not reads[i] for i, (layer, _) in enumerate(flat)]
    sources = [i for i, items in enumerate(reads) if any(is_input[j] for j in items)]
    if not any(is_input):  # a Sequential model may leave its input out
        sources = [i for i, items in enumerate(reads) if not items][:1]
    depths = longest_paths([[j for j in items if not is_input[j]] for items in reads], sources)
    # A wrapper such as TimeDistributed has the layer itself in its configuration.
    inner = [entry["config"].get("layer", entry) for entry, _ in flat]
    layers = {
        name: _Layer(layer["class_name"], layer["config"], depth)
        for name, layer, depth in zip(names, inner, depths, strict=True)
    }
    operators = Counter(entry["class_name"] for entry, _ in flat)
    return layers, dict(sorted(operators.items())), greatest(depths)


def _flat(model: Mapping[str, Any], outer: list[str]) -> Iterator[tuple[Mapping[str, Any], list[str]]]:
    """The layers of a model and of the models in it, each with the names of the layers that it reads."""
    entries = model["config"] if isinstance(model["config"], list) else model["config"]["layers"]
    ends: dict[str, list[str]] = {}  # of a nested model: its last layers
    last = outer
    for entry in entries:
        if "inbound_nodes" in entry:
            last = [end for name in _names(entry["inbound_nodes"]) for end in ends.get(name, [name])] or outer
        name = entry["config"].get("name", entry.get("name", "")) if isinstance(entry["config"], dict) else ""
        if entry["class_name"] == "InputLayer" and outer:
            last = ends[name] = outer  # of a nested model: what is handed to it
        elif _is_model(entry):
            nested = list(_flat(entry, last))
            yield from nested
            read = {other for _, inputs in nested for other in inputs}
            last = [end for end in (layer["config"].get("name", "") for layer, _ in nested) if end not in read]
            ends[entry.get("name", name)] = ends[name] = last
        else:
            yield entry, last
            last = [name]


def _is_model(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry["config"], list) or "layers" in entry["config"]


def _names(inbound: Any) -> Iterator[str]:
    """Names of layers in the `inbound_nodes` of Keras 1 and 2 (`["name", 0, 0, {}]`) and 3 (`keras_history`)."""
    if isinstance(inbound, dict):
        if "keras_history" in inbound:
            yield inbound["keras_history"][0]
        for value in inbound.values():
            if isinstance(value, dict | list):
                yield from _names(value)
    elif inbound and isinstance(inbound[0], str) and len(inbound) >= 3 and isinstance(inbound[1], int):
        yield inbound[0]
    else:
        for value in inbound:
            if isinstance(value, dict | list):
                yield from _names(value)
