"""Damaged notes of Snakemake."""

from __future__ import annotations

from pathlib import Path

import pytest
from snakemake.persistence.file import FilePersistence

from keyfilters.running.metadata import ignore_damaged


@pytest.mark.fault(
    "Snakemake",
    "what Snakemake noted of a file is cut short, of other bytes or of other JSON",
    "it counts as not noted; no traceback",
)
@pytest.mark.parametrize(
    "content",
    [b"", b'{"rule": "tr', b"\xff\xfe\x00\x80", b"[1, 2]", b"3", b'"text"', b'{"code": {"train": "0a1b"}}'],
    ids=["empty", "cut short", "no text", "list", "number", "string", "another record"],
)
def test_a_damaged_note_counts_as_none(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(FilePersistence, "_io_read", FilePersistence._io_read)
    notes = FilePersistence(path=tmp_path / ".snakemake")
    for name in ("whole", "damaged"):
        notes._io_write(notes._metadata_path, {"rule": "train"}, name)
    Path(notes._record_path(notes._metadata_path, "damaged")).write_bytes(content)
    Path(notes._incomplete_path).rmdir()
    ignore_damaged()
    notes = FilePersistence(path=tmp_path / ".snakemake")
    assert notes._read_record("whole").rule == "train"
    assert notes._read_record("damaged") is None
