"""`keyfilters verify`: every artifact and table against the digests that were recorded with it."""

from __future__ import annotations

from pathlib import Path

from keyfilters.errors import KeyfiltersError
from keyfilters.store import artifacts, records


def verify(root: Path, results: Path) -> list[str]:
    """Read everything below the study's folders of artifacts and results; one line per damaged thing."""
    damaged = []
    for manifest in sorted(root.glob("*/[!.]*/" + artifacts.MANIFEST)):
        try:
            artifacts.read(root, str(manifest.parent.relative_to(root)))
        except KeyfiltersError as error:
            damaged.append(str(error))
    for record in sorted([*results.glob("*/*.json"), *results.glob("filterdb/*/*.json")]):
        if not _is_as_recorded(record):
            damaged.append(f"{record.with_suffix('')}: differs from its record; run `snakemake {record}`")
    return damaged


def _is_as_recorded(record: Path) -> bool:
    try:
        return records.is_fresh(record, records.load(record)["key"])
    except (OSError, ValueError, KeyError):
        return False
