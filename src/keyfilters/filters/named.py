"""The filters of one network that a person names: of a study's store, or of a weight file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keyfilters.errors import KeyfiltersError
from keyfilters.filters.single import read
from keyfilters.filters.store import Filters, Store
from keyfilters.store.artifacts import MANIFEST
from keyfilters.store.identity import Job


def named(name: str, root: Path, extracts: Mapping[str, Job]) -> Filters:
    """The filters of the network `name` of a study whose artifacts lie below `root`, else of the file `name`.

    Raises KeyfiltersError if there is neither, or its filters are not in the store or were refused.
    """
    if name not in extracts:
        if not Path(name).exists():
            raise KeyfiltersError(f"{name}: neither a file nor a network of the study; `filters ls` lists these")
        return read(Path(name))
    folder = extracts[name].folder
    if not (root / folder / MANIFEST).exists():
        raise KeyfiltersError(f"{name}: not in the store yet; run `snakemake --cores all {root / folder / MANIFEST}`")
    store = Store(root, {name: folder})
    if name in store.refused:
        raise KeyfiltersError(f"{name}: refused: {store.refused[name]}")
    return store
