"""Prepared sets of pictures: which there are, and the module that reads each of them.

Importing this package, or a reader, loads neither NumPy nor Pillow: a study's keys need only the pins.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

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


def source_sets(source: str) -> tuple[str, ...] | None:
    """The sets that a source has; None where the user's own file or folder is the set."""
    if source == "package":
        return PACKAGE_SETS
    if source in ("torchvision", "domainnet"):
        return tuple(import_module(f"keyfilters.datasets.readers.{source}").SETS)
    return None


def identity(source: str, name: str) -> dict[str, Any]:
    """What pins the bytes of the set `name`, as a part of its job's settings, where its own settings do not say it."""
    if source == "package":
        return {"sha256": reader(name).PACKAGE.sha256}
    if source == "torchvision":
        from keyfilters.datasets.readers import torchvision

        return {"md5": dict(torchvision.SETS[name].md5)}
    if source == "domainnet":
        from keyfilters.datasets.readers import domainnet

        return {"sha256": dict(domainnet.FILES)}
    return {}
