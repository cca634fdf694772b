"""Lets torchvision be imported beside a CPU-only torch.

torchvision's wheel carries operators compiled for CUDA. Beside a CPU-only torch they cannot load, and the
import then fails because the schemas of two of them are unknown ("operator torchvision::nms does not
exist"). Declaring the schemas is enough: datasets, transforms, models and timm work, only the compiled
operators themselves stay unavailable. Import this module before torchvision or timm.
"""

from importlib.util import find_spec
from pathlib import Path

import torch


def _compiled_operators_load() -> bool:
    folder = Path(find_spec("torchvision").submodule_search_locations[0])
    try:
        for library in folder.glob("_C*.so"):
            torch.ops.load_library(library)
    except OSError:
        return False
    return hasattr(torch.ops.torchvision, "nms")


if not _compiled_operators_load():
    # The declaration lives as long as this object does.
    _library = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _library.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
