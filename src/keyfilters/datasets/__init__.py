"""Prepared sets of pictures: which there are, and the module that reads each of them.

Importing this package, or a reader, loads neither NumPy nor Pillow: a study's keys need only the pins.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from keyfilters.errors import KeyfiltersError

PACKAGE_SETS = ("cifar10", "quickdraw", "food", "faces", "emoji", "signs", "digits")


def reader(name: str) -> ModuleType:
    """The module that reads the package set `name`.

    It has `PACKAGE` (the pinned file), `TITLE`, `DOMAIN`, `LICENCE`, `FIT` ("crop" or "pad", how a
    picture becomes square) and `read(path)`, which yields a `Picture` for each picture of that file.

    Raises KeyfiltersError if no package carries this set.
    """
    if name not in PACKAGE_SETS:
        raise KeyfiltersError(f"no package carries the set {name!r}; known: {', '.join(PACKAGE_SETS)}")
    return import_module(f"keyfilters.datasets.readers.{name}")
