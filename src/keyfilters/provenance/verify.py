"""`keyfilters verify`: every artifact and table against the digests that were recorded with it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from keyfilters.errors import KeyfiltersError
from keyfilters.store import artifacts, records


def verify(root: Path, results: Path) -> list[str]:
    """Read everything below the study's folders of artifacts and results; one line per damaged thing."""
    damaged = []
    for manifest in _manifests(root):
        try:
            artifacts.read(root, str(manifest.parent.relative_to(root)))
        except KeyfiltersError as error:
            damaged.append(str(error))
    for record in _records(results):
        if not _is_as_recorded(record):
            damaged.append(f"{record.with_suffix('')}: differs from its record; run `snakemake {record}`")
    return damaged


def checked(root: Path, results: Path, named: Collection[str]) -> str:
    """How much there was to verify, in words; `named` are the folders of all artifacts of the study."""
    here = {str(manifest.parent.relative_to(root)) for manifest in _manifests(root)}
    others = len(here.difference(named))
    return (
        f"{root}: {len(here.intersection(named))} of the study's {len(named)} artifacts are here"
        + (f", and {others} that it does not name" if others else "")
        + f"; {results}: {len(_records(results))} records of tables and figures"
    )


def _manifests(root: Path) -> list[Path]:
    return sorted(root.glob("*/[!.]*/" + artifacts.MANIFEST))


def _records(results: Path) -> list[Path]:
    return sorted([*results.glob("*/*.json"), *results.glob("filterdb/*/*.json")])


def _is_as_recorded(record: Path) -> bool:
    try:
        return records.is_fresh(record, records.load(record)["key"])
    except (OSError, ValueError, KeyError):
        return False
