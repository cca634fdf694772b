"""`keyfilters extract`: the filters of one network, read from its weight file, in the store.

A network whose file cannot be read is refused: an artifact without filters, with the reason. That follows from the
pinned bytes, so it is a result; a file that cannot be fetched is a failure of the job.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.packages import Package, default_cache, fetch
from keyfilters.filters.contact_sheet import contact_sheet
from keyfilters.filters.writing import write
from keyfilters.store import artifacts
from keyfilters.zoo import kinds
from keyfilters.zoo.members import unpack_network
from keyfilters.zoo.network import Network
from keyfilters.zoo.readers import reader
from keyfilters.zoo.table import models

CONTACT_SHEET = "contact_sheet.png"


def extract(
    description: Mapping[str, Any], root: Path, cache: Path | None = None, last_of: Iterable[str] | None = None
) -> None:
    """Make the artifact of an `extract` job below `root`: the files of `store`, or facts with why it is `refused`.

    `cache` keeps package files, in the user's cache folder when left out. `last_of`: the artifacts' folders of all
    models of the package file; it is dropped from the cache as soon as they all are there. None: it is kept.

    Raises KeyfiltersError if the format has no reader, or a package file or a library's weights cannot be fetched.
    """
    settings, name = description["settings"], description["name"]
    format = reader(settings["format"])
    archive = fetch(package_of(settings, name), cache or default_cache()) if "file" in settings else None
    with artifacts.write(root, description) as draft:
        unpacked = draft.path / "unpacked"
        facts: dict[str, Any] = {"format": settings["format"]}
        network = None if archive else _network(draft.inputs, settings, facts)
        try:
            if network is None:
                facts["bytes"] = archive.stat().st_size
                path = unpack_network(archive, settings, unpacked)
            else:
                path = network(unpacked)
            facts |= store(read(format, path, settings), draft.path)
        except KeyfiltersError as error:
            reason = str(error).replace(f"{unpacked}/", "").replace(f"{cache or default_cache()}/packages/", "")
            facts["refused"] = reason
            for left in draft.path.glob("*.*"):
                left.unlink()
        shutil.rmtree(unpacked, ignore_errors=True)
        draft.facts.update(facts)
    print(f"{name}: {summary(facts)}", file=sys.stderr)
    if archive and last_of is not None and all((root / folder / artifacts.MANIFEST).exists() for folder in last_of):
        archive.unlink(missing_ok=True)


def _network(
    inputs: Mapping[str, artifacts.Artifact], settings: Mapping[str, Any], facts: dict[str, Any]
) -> Callable[[Path], Path]:
    """What writes a network whose code is here to an ONNX file in a folder; what is known of it goes into `facts`."""
    from keyfilters.filters import trained  # torch, which package files do without

    if settings["source"] == "trained":
        network, size, facts["entry"] = trained.trained(
            **inputs, image_size=settings["image_size"], epoch=settings.get("epoch")
        )
    else:
        network, size, facts["entry"] = trained.published(settings["library"], settings["name"])
    return partial(trained.as_onnx, network, size)


def package_of(settings: Mapping[str, Any], model: str) -> Package:
    pin = Package(*(settings[key] for key in ("source", "package", "version", "file", "sha256")))
    known = models().get(model)
    return replace(pin, size=known.artifact_bytes) if known else pin


def read(format: ModuleType, path: Path, settings: Mapping[str, Any]) -> Network:
    """The network in the file at `path`, by the module that reads its format.

    Raises KeyfiltersError if it cannot be read.
    """
    network = format.read(path, **format.FORMAT.options(settings.get("part", "")))
    return kinds.apply(network, kinds.parse(settings.get("kinds", "")))


def store(network: Network, folder: Path) -> dict[str, Any]:
    """Write the files of a model into `folder`: filters, table of layers, contact sheet; returns what is known of it.

    Raises KeyfiltersError if a weight is not as its reader told.
    """
    layers = write(network, folder)
    contact_sheet(folder, layers).save(folder / CONTACT_SHEET, optimize=True)
    return {
        "producer": network.producer,
        "op_set": network.op_set,
        "depth": network.depth,
        "operators": dict(network.operators) if network.operators is not None else None,
        "layers": len(layers),
        "filters": int(layers["filters"].sum()),
        "left_out": list(network.left_out),
    }


def summary(facts: Mapping[str, Any]) -> str:
    """One line about a model in the store."""
    if "refused" in facts:
        return f"refused: {facts['refused']}"
    return f"{facts['filters']:,} filters of {facts['layers']} convolutions; left out {len(facts['left_out'])}"
