"""One module per weight format, each with `read(path) -> Network`; siblings of the file lie beside it.

Where a file holds several networks, `read` is told which: `offset` of a TZA archive, `key` of a list of ONNX chunks.

Importing this package loads no reader: a study's keys need only the names of the formats.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from keyfilters.errors import KeyfiltersError

FORMATS = (
    "onnx",
    "onnx-chunked",
    "torch",
    "tfjs",
    "tfjs-in-js",
    "tflite",
    "ncnn",
    "npz",
    "oidn-tza",
    "keras-h5",
    "tf-checkpoint",
    "tf-pb",
    "caffemodel",
    "safetensors",
    "katago",
    "flax-pickle",
    "mxnet-params",
    "dlib-dat",
    "coreml-mlmodel",
)


def reader(format: str) -> ModuleType:
    """The module that reads `format`.

    Raises KeyfiltersError if there is none.
    """
    if format not in FORMATS:
        raise KeyfiltersError(f"no reader of the format {format!r}; known: {', '.join(FORMATS)}")
    return import_module(f"{__name__}.{format.replace('-', '_')}")
