"""The filters of the networks that a person names: one of a study's store, or those in a file, folder or archive."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from keyfilters.errors import KeyfiltersError
from keyfilters.filters.single import Single
from keyfilters.filters.store import Filters, Store
from keyfilters.store.artifacts import MANIFEST
from keyfilters.store.identity import Job
from keyfilters.zoo.files import WeightFile, weight_files

Key = TypeVar("Key", str, tuple[str, str])
Result = TypeVar("Result")
Opened = Callable[[], Filters]


@contextmanager
def named(name: str, root: Path, extracts: Mapping[str, Job]) -> Iterator[dict[str, Opened]]:
    """What opens the filters of each network, by the name that is shown: of the network `name` of a study whose
    artifacts lie below `root`, else of those that `zoo.files.weight_files` finds.

    What is opened can be read for as long as the context lasts. Raises KeyfiltersError if there is nothing of this
    name; opening a network does so if its filters are not in the store, were refused, or its file cannot be read.
    """
    if name in extracts:
        yield {name: partial(_of_store, name, root, extracts[name].folder)}
    elif Path(name).exists() or any(parent.is_file() for parent in Path(name).parents):
        with weight_files(name) as files:
            yield {file.name: partial(_of_file, file) for file in files}
    else:
        raise KeyfiltersError(f"{name}: neither a file nor a network of the study; `filters ls` lists these")


def of_each(calls: Mapping[Key, Callable[[], Result]]) -> dict[Key, Result]:
    """What each call gives; of one among several that raises KeyfiltersError, a line on stderr says why it is left out.

    Raises KeyfiltersError, the first, if all do.
    """
    results: dict[Key, Result] = {}
    errors: list[KeyfiltersError] = []
    for name, call in calls.items():
        try:
            results[name] = call()
        except KeyfiltersError as error:
            errors.append(error)
            if len(calls) > 1:
                shown = name if isinstance(name, str) else " and ".join(name)
                print(f"left out: {shown}: {error}", file=sys.stderr)
    if not results:
        raise errors[0]
    return results


def _of_store(name: str, root: Path, folder: str) -> Filters:
    if not (root / folder / MANIFEST).exists():
        raise KeyfiltersError(f"{name}: not in the store yet; run `snakemake --cores all {root / folder / MANIFEST}`")
    store = Store(root, {name: folder})
    if name in store.refused:
        raise KeyfiltersError(f"{name}: refused: {store.refused[name]}")
    return store


def _of_file(file: WeightFile) -> Filters:
    return Single(file.read(), file.name)
