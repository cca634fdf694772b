"""A weight file of anyone's, read by the ending of its name."""

from __future__ import annotations

from pathlib import Path

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.network import Network
from keyfilters.zoo.readers import reader

ENDINGS = {
    ".onnx": "onnx",
    ".pt": "torch",
    ".pth": "torch",
    ".safetensors": "safetensors",
    ".tflite": "tflite",
    ".npz": "npz",
    ".h5": "keras-h5",
    ".pb": "tf-pb",
    ".caffemodel": "caffemodel",
    ".tza": "oidn-tza",
    ".mlmodel": "coreml-mlmodel",
}


def read(path: Path) -> Network:
    """The network in a weight file.

    Raises KeyfiltersError if its ending is of no format, or its reader refuses it.
    """
    if path.suffix.lower() not in ENDINGS:
        raise KeyfiltersError(f"{path}: not the ending of a format that can be read, which are {', '.join(ENDINGS)}")
    return reader(ENDINGS[path.suffix.lower()]).read(path)
