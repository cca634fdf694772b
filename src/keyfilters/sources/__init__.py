"""Where sets of images come from, one module per kind of source.

A module of a source has

- `SETS`: the sets that it has by their names, or None where the user's own file or folder is the set;
- `check(dataset)`: raises ValueError if the section of a set, a `config.dataset.Dataset`, has a setting too many or too
  few for this source;
- `identity(name)`: what pins the bytes of a set, as a part of its job's settings, where its section does not say it;
- `open_set(settings, cache)`: the set as a `reading.Opened`, fetched into `cache` if need be.

Importing this package, or a source, loads neither NumPy nor Pillow: a study's keys need only the pins.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

SOURCES = ("package", "archive", "torchvision", "domainnet", "imagenet")


def source(name: str) -> ModuleType:
    """The module of the source `name`, one of `SOURCES`."""
    return import_module(f"keyfilters.sources.{name}")
