"""ONNX in chunks, as @imgly/background-removal-data ships its models: files that `resources.json` lists by model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from keyfilters.zoo.network import Network
from keyfilters.zoo.readers import onnx
from keyfilters.zoo.weights import reader


@reader("list of ONNX chunks")
def read(path: Path, key: str) -> Network:
    """The network of the model `key`; its chunks lie beside the list at `path`, and are joined there."""
    chunks = [path.with_name(Path(chunk["hash"]).name) for chunk in json.loads(path.read_bytes())[key]["chunks"]]
    joined = path.with_name("joined.onnx")
    with joined.open("wb") as output:
        for chunk in chunks:
            with chunk.open("rb") as file:
                shutil.copyfileobj(file, output)
    return onnx.read(joined)
