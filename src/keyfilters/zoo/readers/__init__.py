"""One module per weight format, each with `read(path) -> Network`; siblings of the file lie beside it.

What else there is to say of a format stands in the `FORMAT` of its module. The names of the modules are those of the
formats, with `_` for `-`. Importing this package loads no reader: a study's keys need only the names.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from keyfilters.errors import KeyfiltersError

FORMATS = tuple(sorted(module.name.replace("_", "-") for module in iter_modules(__path__)))


def reader(format: str) -> ModuleType:
    """The module that reads `format`.

    Raises KeyfiltersError if there is none.
    """
    if format not in FORMATS:
        raise KeyfiltersError(f"no reader of the format {format!r}; known: {', '.join(FORMATS)}")
    return import_module(f"{__name__}.{format.replace('-', '_')}")
