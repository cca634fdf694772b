"""`keyfilters extract`: the filters of one network, read from its weight file, in the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from keyfilters.filters.writing import write
from keyfilters.zoo.network import Network


def store(network: Network, folder: Path, name: str, format: str) -> dict[str, Any]:
    """Write the files of the model `name` into `folder`; returns the facts of its artifact.

    Raises KeyfiltersError if a weight is not as its reader told.
    """
    layers = write(network, folder)
    return {
        "format": format,
        "producer": network.producer,
        "op_set": network.op_set,
        "depth": network.depth,
        "operators": dict(network.operators) if network.operators is not None else None,
        "layers": len(layers),
        "filters": int(layers["filters"].sum()),
        "left_out": list(network.left_out),
    }
