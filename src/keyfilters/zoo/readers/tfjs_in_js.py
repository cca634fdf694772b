"""TF.js models inside JavaScript files, which are searched as text and never run.

Either a bundle with the model as a string of JSON and its weights as a base64 address, or (nsfwjs) the model as an
object literal in `model.min.js` with each shard as a base64 string in a file beside it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network
from keyfilters.zoo.readers import tfjs
from keyfilters.zoo.weights import reader

BUNDLED_MODEL = re.compile(r"'(\{(?:[^'\\]|\\.)*\"weightsManifest\"(?:[^'\\]|\\.)*\})'")
BUNDLED_WEIGHTS = re.compile(r'"data:application/octet-stream;base64,([A-Za-z0-9+/]+=*)"')
MANIFEST = re.compile(rb"""["']?weightsManifest["']?\s*:\s*\[\s*\{""")
LITERAL = re.compile(r"\.exports\s*=\s*(?=\{)")
SHARD = re.compile(r'\.exports\s*=\s*"([A-Za-z0-9+/]+=*)"')
TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*")|(?P<single>'(?:[^'\\]|\\.)*')|(?P<name>[A-Za-z_$][\w$]*)|(?P<flag>![01])"""
    r"""|(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<mark>[{}\[\],:])|(?P<space>\s+)"""
)


def _recognises(path: Path, head: bytes) -> bool:
    if b"\0" in head or head.lstrip().startswith((b"{", b"[")):
        return False
    content = path.read_bytes()
    return b"modelTopology" in content and MANIFEST.search(content) is not None


def _siblings(member: PurePosixPath) -> Callable[[str], bool]:
    return lambda name: PurePosixPath(name).match(f"{member.parent}/*shard*.js")


FORMAT = Format(extensions=(".js",), recognises=_recognises, siblings=_siblings)


@reader("JavaScript with a TF.js")
def read(path: Path) -> Network:
    """The network of the one model in a JavaScript file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if match := BUNDLED_MODEL.search(text):
        document = json.loads(match[1].replace("\\'", "'"))
        data = [base64.b64decode(shard) for shard in BUNDLED_WEIGHTS.findall(text)]
        shards = {0: [np.frombuffer(shard, np.uint8) for shard in data]}
    elif match := LITERAL.search(text):
        document = json.loads(_json(text, match.end()))
        groups = enumerate(document["weightsManifest"])
        shards = {i: [_shard(path, name) for name in group["paths"]] for i, group in groups}
    else:
        raise KeyfiltersError(f"{path}: no TF.js model in this JavaScript file")
    weights = {}
    for i, group in enumerate(document["weightsManifest"]):
        weights |= tfjs.weights_of_group(path, group["weights"], tfjs.Shards(shards[i]))
    return tfjs.network(path, document, weights)


def _shard(path: Path, name: str) -> np.ndarray:
    shard = path.with_name(f"{Path(name).name}.min.js")
    if not shard.is_file():
        raise KeyfiltersError(f"{path}: the shard {shard.name} is missing beside it")
    match = SHARD.search(shard.read_text())
    if match is None:
        raise KeyfiltersError(f"{shard}: no base64 string in it")
    return np.frombuffer(base64.b64decode(match[1]), np.uint8)


def _json(text: str, start: int) -> str:
    """The object literal of JavaScript that begins at `start`, of plain values alone, as JSON."""
    parts: list[str] = []
    depth = 0
    while True:
        token = TOKEN.match(text, start)
        if token is None:
            raise ValueError(f"no plain value at character {start:,}")
        start = token.end()
        parts.append(_token(token.lastgroup or "", token[0]))
        depth += (token[0] in "{[") - (token[0] in "}]") if token.lastgroup == "mark" else 0
        if depth == 0:
            return "".join(parts)


def _token(kind: str, text: str) -> str:
    if kind == "flag":  # minified true and false
        return "true" if text == "!0" else "false"
    if kind == "name" and text not in ("true", "false", "null"):
        return json.dumps(text)
    if kind == "single":
        return json.dumps(text[1:-1].replace("\\'", "'"))
    if kind == "number":
        return repr(float(text)) if "." in text or "e" in text.lower() else text
    return text
