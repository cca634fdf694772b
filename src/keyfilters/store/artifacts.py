"""Where an artifact lies, its manifest, writing it whole or not at all, and checking it when it is read.

An artifact is a folder `<root>/<stage>/<name>-<key>` with a `manifest.json` beside its files. The folder
takes its final name in one step, after the manifest has been written: what stands there is complete.
A manifest is content: whoever makes the artifact on a like machine gets the same bytes. How that went is in `runs`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keyfilters.errors import KeyfiltersError
from keyfilters.running.heartbeat import beating
from keyfilters.running.meter import Meter
from keyfilters.store import machine, runs
from keyfilters.store.files import read_json, sha256, write_text
from keyfilters.store.identity import folder_of, key_of

_JOB: ContextVar[Mapping[str, Any] | None] = ContextVar("the job that runs", default=None)

MANIFEST = "manifest.json"
CHECKPOINT = ".checkpoint"  # `.<name>-<key>.checkpoint` beside the artifact that it is to become


@dataclass(frozen=True)
class Artifact:
    """A complete artifact: its folder and its manifest."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def description(self) -> Mapping[str, Any]:
        return self.manifest["description"]

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the job found out: counts, accuracy."""
        return self.manifest["facts"]


@dataclass
class Draft:
    """An artifact while it is written: files go into `path`, what the job found out into `facts`.

    `run`: how it went, such as images/s.
    `checkpoint`: a file that outlives the job unless the artifact becomes complete.
    """

    path: Path
    inputs: Mapping[str, Artifact]
    checkpoint: Path
    hardware: str
    facts: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    meter: Meter = field(default_factory=Meter)


@contextmanager
def declared(description: Mapping[str, Any] | None) -> Iterator[None]:
    """Run the job of `description`: in the block only artifacts that are among its inputs can be opened; any, if it is
    None."""
    token = _JOB.set(description)
    try:
        yield
    finally:
        _JOB.reset(token)


@contextmanager
def write(root: Path, description: Mapping[str, Any]) -> Iterator[Draft]:
    """Write the artifact of `description` whole or not at all.

    Inputs named in the description are read and checked first; their manifests' digests are recorded.
    Nothing appears under the final name if the block raises or the process is killed.
    """
    with declared(description):
        final = root / folder_of(description)
        inputs = {role: read(root, folder) for role, folder in description["inputs"].items()}
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".partial", dir=final.parent)
        draft = Draft(Path(partial), inputs, checkpoint(final), machine.cpu_name())
        started = datetime.now(UTC)
        try:
            with beating(draft.path):
                yield draft
            manifest = {
                "description": description,
                "key": key_of(description),
                "files": {path.name: sha256(path) for path in sorted(draft.path.iterdir())},
                "inputs": {role: sha256(artifact.path / MANIFEST) for role, artifact in inputs.items()},
                "facts": draft.facts,
            }
            write_text(draft.path / MANIFEST, json.dumps(manifest, indent=1) + "\n")
            runs.save(root, description, {**draft.meter.spent, **draft.run, "hardware": draft.hardware}, started)
            _replace_folder(draft.path, final)
            # What a killed job left; an orphan of it that still runs ends without a place to write to.
            for left in final.parent.glob(f".{final.name}.*.partial"):
                shutil.rmtree(left, ignore_errors=True)
            draft.checkpoint.unlink(missing_ok=True)  # last, since an orphan writes it by way of its own folder
        finally:
            shutil.rmtree(draft.path, ignore_errors=True)


def _replace_folder(new: Path, final: Path) -> None:
    """Give `new` the name `final`; what stood there is renamed first, never written into."""
    replaced = final.with_name(f".{final.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    new.chmod(0o755)  # mkdtemp's own mode keeps colleagues out
    if final.exists():
        final.replace(replaced)
    new.replace(final)
    shutil.rmtree(replaced, ignore_errors=True)


def manifest(root: Path, folder: str) -> Artifact:
    """The artifact at `<root>/<folder>` by its manifest alone; its other files may be elsewhere.

    Raises KeyfiltersError if there is no manifest or it belongs to another key, or if the job that runs does not name
    the artifact among its inputs.
    """
    path, job = root / folder, _JOB.get()
    if job is not None and folder not in job["inputs"].values():
        raise KeyfiltersError(
            f"{folder}: no input of the job {folder_of(job)}; add it to the job's inputs in its study"
        )
    try:
        return Artifact(path, load_manifest(path / MANIFEST, folder))
    except (OSError, ValueError) as error:
        raise KeyfiltersError(f"{path}: not a complete artifact ({error}); delete it and run again") from None


def load_manifest(file: Path, folder: str) -> dict[str, Any]:
    """The manifest in `file` of the artifact `folder`: its own, or a copy.

    Raises OSError or ValueError if it cannot be read or is none, or another's.
    """
    content = read_json(file)
    for part in ("description", "files", "inputs", "facts"):
        if not isinstance(content.get(part), dict):
            raise ValueError(f"{part}: no JSON object")
    with suppress(KeyError):
        if folder_of(content["description"]) == folder:
            return content
    raise ValueError("its manifest describes another artifact")


def read(root: Path, folder: str) -> Artifact:
    """The artifact at `<root>/<folder>`, after every file's digest has been compared with the manifest.

    Raises KeyfiltersError if the artifact is absent, incomplete or damaged.
    """
    artifact = manifest(root, folder)
    for name, digest in artifact.manifest["files"].items():
        file = artifact.path / name
        if not file.is_file() or sha256(file) != digest:
            raise KeyfiltersError(f"{file}: missing or damaged; delete the folder and run again")
    return artifact


def is_whole(root: Path, description: Mapping[str, Any]) -> bool:
    """Whether the artifact of `description` is there, every file as its manifest says."""
    try:
        with declared(None):  # what a job makes is none of its inputs
            read(root, folder_of(description))
    except KeyfiltersError:
        return False
    return True


def checkpoint(path: Path) -> Path:
    """Where the checkpoint of the artifact at `path` lies until that is complete."""
    return path.with_name(f".{path.name}{CHECKPOINT}")


def pruned(root: Path) -> Path:
    """Where artifacts below `root` are moved that their study no longer names."""
    return root.parent / "pruned" / root.name
