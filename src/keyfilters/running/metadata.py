"""What Snakemake noted in `.snakemake` of the files that it made: damaged notes count as none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snakemake.persistence import MetadataRecord
from snakemake.persistence.file import FilePersistence

_read = FilePersistence._io_read


def _read_or_ignore(self: FilePersistence, folder: str, name: str) -> dict[str, Any]:
    """Snakemake itself ignores a note that is cut short, but ends with a traceback where one holds bytes that are no
    text, or JSON of something else."""
    try:
        note = _read(self, folder, name)
        MetadataRecord.model_validate(note)
    except ValueError:
        return {}
    return note


def ignore_damaged() -> None:
    """Let the Snakemake of this process go on with damaged notes, as it does where they were deleted."""
    FilePersistence._io_read = _read_or_ignore
    # Without this folder Snakemake takes the notes for those of an old version, and reads them all to convert them.
    if Path(".snakemake/metadata").exists():
        Path(".snakemake/incomplete").mkdir(exist_ok=True)
