"""One module per weight format, each with `read(path) -> Network`; siblings of the file lie beside it.

Importing this package loads no reader: a study's keys need only the names of the formats.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
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
    name = f"{__name__}.{format.replace('-', '_')}"
    if format not in FORMATS or find_spec(name) is None:
        raise KeyfiltersError(f"no reader of the format {format!r}")
    return import_module(name)
