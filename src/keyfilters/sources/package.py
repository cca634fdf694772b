"""Sets that packages on PyPI and npm carry: one reader each in `package_sets`, with the pin of its package file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Any

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.packages import fetch
from keyfilters.sources import package_sets
from keyfilters.sources.reading import Opened

if TYPE_CHECKING:
    from keyfilters.config.dataset import Dataset

SETS = tuple(module.name for module in iter_modules(package_sets.__path__))


def check(dataset: Dataset) -> None:
    """Raises ValueError if the section has a path or a digest: the pin is the reader's."""
    if dataset.path:
        raise ValueError("`path` belongs to another source than `package`; set `source: archive`, say")
    if dataset.sha256:
        raise ValueError("`sha256` belongs to another source than `package`, whose pins are its own")


def reader(name: str) -> ModuleType:
    """The module that reads the package set `name`.

    It has `PACKAGE` (the pinned file) and all of a `reading.Reader`. Raises KeyfiltersError if no package carries it.
    """
    if name not in SETS:
        raise KeyfiltersError(f"no package carries the set {name!r}; known: {', '.join(SETS)}")
    return import_module(f"{package_sets.__name__}.{name}")


def identity(name: str) -> dict[str, Any]:
    """The digest of the package file."""
    return {"sha256": reader(name).PACKAGE.sha256}


def open_set(settings: Mapping[str, Any], cache: Path) -> Opened:
    """The set `settings["set"]`. Raises KeyfiltersError if its package cannot be fetched."""
    of_set = reader(settings["set"])
    return Opened(of_set, fetch(of_set.PACKAGE, cache))
