"""ONNX in chunks, as @imgly/background-removal-data ships its models: files that `resources.json` lists by model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Convolution, Network
from keyfilters.zoo.readers import onnx
from keyfilters.zoo.weights import json_of, reader


def _recognises(path: Path, head: bytes) -> bool:
    return head.lstrip().startswith(b"{") and b'"chunks"' in path.read_bytes() and bool(_parts(path))


def _chunks(path: Path, part: str) -> list[str]:
    try:
        return [str(chunk["hash"]) for chunk in json_of(path)[part]["chunks"]]
    except (TypeError, KeyError):
        raise KeyfiltersError(f"{path}: the resources have no chunks of {part!r}") from None


def _parts(path: Path) -> list[str]:
    """The entries whose first chunk lies beside the list and begins as ONNX does: others are programs."""
    try:
        first = {key: path.with_name(Path(_chunks(path, key)[0]).name) for key in json_of(path)}
    except (KeyfiltersError, TypeError, IndexError):
        return []
    return [key for key, chunk in first.items() if chunk.is_file() and onnx.FORMAT.recognises(chunk, b"")]


FORMAT = Format(
    extensions=(".json",),
    recognises=_recognises,
    listed=_chunks,
    parts=_parts,
    options=lambda part: {"key": part},
)


@reader("list of ONNX chunks")
def read(path: Path, key: str) -> Network:
    """The network of the model `key`; its chunks lie beside the list at `path`.

    They are joined in a temporary file, which is there for as long as a convolution of the network is.
    """
    joined = NamedTemporaryFile(suffix=".onnx")  # noqa: SIM115 - closed when no convolution needs it
    for name in _chunks(path, key):
        with path.with_name(Path(name).name).open("rb") as file:
            shutil.copyfileobj(file, joined)
    joined.flush()
    with _named(joined, path, key):
        network = onnx.read(Path(joined.name))
    kept = (replace(layer, load=partial(_load, layer, joined, path, key)) for layer in network.convolutions)
    return replace(network, convolutions=tuple(kept))


def _load(layer: Convolution, joined: IO[bytes], path: Path, key: str) -> np.ndarray:
    with _named(joined, path, key):
        return layer.load()


@contextmanager
def _named(joined: IO[bytes], path: Path, key: str) -> Iterator[None]:
    """Name the list and the model in what is wrong, not the temporary file."""
    try:
        yield
    except KeyfiltersError as error:
        raise KeyfiltersError(str(error).replace(joined.name, f"{path} {key}")) from error
