"""The files of one model in the store: its filters as a stream, and the table of its layers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.network import Convolution, Network

FILTERS = "filters.safetensors"
LAYERS = "layers.parquet"


def write(network: Network, folder: Path) -> pd.DataFrame:
    """Write `filters.safetensors` and `layers.parquet` of a network into `folder`; returns the table of layers.

    One layer's weight is in memory at a time. The table has a row per convolution, in the network's order:
    `layer` (its name, unique, and its key in the safetensors file), `kind`, `groups`, `stride_h`, `stride_w`,
    `depth`, `conv_depth`, `conv_depth_norm`, the shape as `out_channels`, `in_channels` (per group), `kh`, `kw`,
    and `filters` (out_channels x in_channels). What the format does not tell is null.

    Raises KeyfiltersError if a weight is not of the shape that the reader told, or not finite.
    """
    names = unique([convolution.name for convolution in network.convolutions])
    layers = layer_table(network.convolutions, names)
    _write_filters(folder / FILTERS, names, network.convolutions)
    layers.to_parquet(folder / LAYERS, index=False)
    return layers


def unique(names: Sequence[str]) -> list[str]:
    """The names, a repeated or empty one with a number, so that each is a key of its own."""
    taken, keys = set(names), []
    for position, name in enumerate(names):
        new, number = name or f"convolution {position}", 2
        while new in keys or (new != name and new in taken) or new == "__metadata__":
            new, number = f"{name} #{number}", number + 1
        keys.append(new)
    return keys


def layer_table(convolutions: Sequence[Convolution], names: Sequence[str]) -> pd.DataFrame:
    """A row per convolution, as `write` describes them."""
    columns = {
        "layer": pd.Series(list(names), dtype="str"),
        "kind": pd.Series([conv.kind for conv in convolutions], dtype="str"),
        "groups": integers(conv.groups for conv in convolutions),
        "stride_h": integers(conv.stride and conv.stride[0] for conv in convolutions),
        "stride_w": integers(conv.stride and conv.stride[1] for conv in convolutions),
        "depth": integers(conv.depth for conv in convolutions),
    }
    ranks, norms = conv_depths(convolutions)
    columns |= {"conv_depth": integers(ranks), "conv_depth_norm": pd.Series(norms, dtype="float64")}
    for axis, name in enumerate(("out_channels", "in_channels", "kh", "kw")):
        columns[name] = pd.Series([conv.shape[axis] for conv in convolutions], dtype="int64")
    columns["filters"] = columns["out_channels"] * columns["in_channels"]
    return pd.DataFrame(columns)


def conv_depths(convolutions: Sequence[Convolution]) -> tuple[list[int | None], list[float | None]]:
    """`conv_depth` and `conv_depth_norm` of CNN Filter DB: the rank of a convolution's depth among the distinct
    depths of all the model's convolutions, of any kernel size, and this over the greatest rank.

    Transposed convolutions are not ranked: the published store leaves them out. A network whose convolutions
    have one depth has the norm 0. Null without a graph.
    """
    ranked = sorted({conv.depth for conv in convolutions if conv.depth is not None and conv.kind != "transposed"})
    rank_of = {depth: number for number, depth in enumerate(ranked)}
    ranks = [None if conv.kind == "transposed" else rank_of.get(conv.depth) for conv in convolutions]
    last = max(len(ranked) - 1, 1)
    return ranks, [None if rank is None else rank / last for rank in ranks]


def integers(values: Iterable[int | None]) -> pd.Series:
    """A column of integers, null for None."""
    return pd.Series(list(values), dtype="Int64")


def _write_filters(path: Path, names: Sequence[str], convolutions: Sequence[Convolution]) -> None:
    """A safetensors file, layer by layer; the library's own writer wants all tensors in memory at once."""
    header, end = {}, 0
    for name, conv in zip(names, convolutions, strict=True):
        begin, end = end, end + 4 * math.prod(conv.shape)
        header[name] = {"dtype": "F32", "shape": list(conv.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, conv in zip(names, convolutions, strict=True):
            file.write(_checked(name, conv).data)


def _checked(name: str, convolution: Convolution) -> np.ndarray:
    weight = convolution.load()
    if weight.shape != convolution.shape:
        raise KeyfiltersError(f"layer {name}: its weight has the shape {weight.shape}, not {convolution.shape}")
    weight = np.ascontiguousarray(weight, "<f4")
    if not np.isfinite(weight).all():
        raise KeyfiltersError(f"layer {name}: its weight has NaN or infinite values")
    return weight
