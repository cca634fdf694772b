"""The project's code that a stage can reach: by its imports, comments, docstrings and formatting apart.

A key holds the number of a stage's code in `versions.yaml`, which people raise. A digest of the code itself is recorded
with every run, so that code which was changed under the same number is noticed. `code.lock.yaml` says which digests
stand for the same results: the one that a number was given with, and those that were declared harmless since.

A module reaches those that it imports anywhere, that it names in a string (`keyfilters.models.hornet:build`), and, if
it imports by `import_module`, all modules of its own package and of the packages that it imports. Readers of weight
formats are apart, since they have numbers of their own. Tables that lie among the code, CSV files say, are not read.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple

import yaml
from platformdirs import user_cache_path

from keyfilters.errors import KeyfiltersError
from keyfilters.store.files import read_json

PACKAGE = "keyfilters"
SOURCE = Path(str(files(PACKAGE)))
LOCK = SOURCE / "code.lock.yaml"
READERS = f"{PACKAGE}.zoo.readers"
MAX_PARSED = 5000  # modules that are kept, of all versions of the code
MODULES = {  # of the stages whose module is not `results/<family>/<stage>.py`
    "prepare": "datasets.prepare",
    "train": "training.train",
    "transfer": "transfer.transfer",
    "extract": "filters.extract",
    "filters": "filters.summary",
    "moments": "analysis.stages.moments",
    "basis": "analysis.stages.basis",
    "histograms": "analysis.stages.histograms",
    "layers": "analysis.stages.layers",
    "filterdb": "analysis.stages.filterdb",
    "cell": "results.cell",
}


class Module(NamedTuple):
    """A module's own code as a digest, and the names that it may import."""

    digest: str
    named: frozenset[str]
    imports_by_name: bool


def of_job(description: Mapping[str, Any]) -> dict[str, str]:
    """The digests of the code that a job runs: of its stage, and of its reader `readers.<format>` if it has one."""
    settings = description["settings"]
    readers = [f"readers.{settings['format']}"] if "reader" in settings else []
    return {name: digest(name) for name in (description["stage"], *readers)}


@cache
def digest(stage: str) -> str:
    """Of all code that a stage, or a reader `readers.<format>`, can reach: 12 hex digits."""
    lines = [f"{name} {PARSED.module(name).digest}" for name in sorted(reached(stage))]
    PARSED.save()
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def reached(stage: str) -> set[str]:
    """The names of the project's modules that a stage, or a reader `readers.<format>`, can reach."""
    modules: set[str] = set()
    waiting = [_entry(stage)]
    while waiting:
        name = waiting.pop()
        if name in modules:
            continue
        modules.add(name)
        waiting += _imported(name)
    return modules


def _entry(stage: str) -> str:
    if stage.startswith("readers."):
        return f"{READERS}.{stage.partition('.')[2].replace('-', '_')}"
    if stage in MODULES:
        return f"{PACKAGE}.{MODULES[stage]}"
    try:
        (path,) = SOURCE.glob(f"results/*/{stage}.py")
    except ValueError:
        raise KeyfiltersError(f"no module of the stage {stage} in results/; name it in store/code.py") from None
    return f"{PACKAGE}.results.{path.parent.name}.{stage}"


def _imported(name: str) -> Iterator[str]:
    module = PARSED.module(name)
    for named in module.named:
        parts = named.split(".")
        for end in range(1, len(parts) + 1):  # a package is imported before what is in it
            if _path(".".join(parts[:end])):
                yield ".".join(parts[:end])
    if module.imports_by_name:
        for package in {name, *module.named} - {PACKAGE, READERS}:
            path = _path(package)
            if path and path.name == "__init__.py":
                yield from (f"{package}.{other.stem}" for other in path.parent.glob("*.py") if other != path)


@cache
def _path(name: str) -> Path | None:
    """The file of a module of the project; None if there is none of this name."""
    path = SOURCE.joinpath(*name.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


class _WithoutDocs(ast.NodeTransformer):
    """Drops docstrings, and what only a type checker sees."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]  # type: ignore[attr-defined]
        return super().generic_visit(node)


def parse(source: str) -> Module:
    """What of a module's source decides what it does."""
    tree = _WithoutDocs().visit(ast.parse(source))
    named, by_name = set(), False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            by_name |= any(alias.name == "import_module" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named |= {*re.findall(rf"\b{PACKAGE}(?:\.\w+)+", node.value)}
    text = ast.dump(tree)
    ours = frozenset(name for name in named if name.partition(".")[0] == PACKAGE)
    return Module(hashlib.sha256(text.encode()).hexdigest(), ours, by_name)


class _Parsed:
    """Modules as they were parsed, kept in the user's cache folder by the digest of their source."""

    def __init__(self, file: Path) -> None:
        self.file, self.saved, self.added = file, None, {}

    @cache  # noqa: B019  (there is one of these)
    def module(self, name: str) -> Module:
        source = _path(name).read_bytes()
        key = hashlib.sha256(source).hexdigest()[:24]
        if self.saved is None:
            self.saved = self._load()
        if key in self.saved:
            digest, named, by_name = self.saved[key]
            return Module(digest, frozenset(named), by_name)
        parsed = parse(source.decode())
        self.added[key] = [parsed.digest, sorted(parsed.named), parsed.imports_by_name]
        return parsed

    def save(self) -> None:
        if not self.added:
            return
        self.saved = {**(self.saved if len(self.saved) < MAX_PARSED else {}), **self.added}
        self.added = {}
        with suppress(OSError):  # a folder that cannot be written costs time and nothing else
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile("w", dir=self.file.parent, prefix=".code", delete=False) as partial:
                json.dump(self.saved, partial)
            Path(partial.name).replace(self.file)

    def _load(self) -> dict[str, Any]:
        try:
            return read_json(self.file)
        except (OSError, ValueError):
            return {}


PARSED = _Parsed(user_cache_path(PACKAGE) / f"code-{sys.version_info.major}.{sys.version_info.minor}.json")


@cache
def locked() -> dict[str, dict[str, Any]]:
    """`code.lock.yaml`: of each stage and reader its `version`, the `digest` that the version was given with, and
    those that were declared `harmless` since, each with the reason."""
    return yaml.safe_load(LOCK.read_text()) if LOCK.exists() else {}


def is_same(stage: str, recorded: str) -> bool:
    """Whether code of this digest gives the results that the present code of the stage or reader gives."""
    return recorded == digest(stage) or {recorded, digest(stage)} <= _equal(locked().get(stage, {}))


def representative(stage: str) -> str:
    """One digest for all code that gives the results of the present."""
    entry = locked().get(stage, {})
    return entry["digest"] if digest(stage) in _equal(entry) else digest(stage)


def _equal(entry: Mapping[str, Any]) -> set[str]:
    """The digests of code that gives the same results, by an entry of the lock."""
    return {entry["digest"], *entry.get("harmless", {})} if entry else set()


def changed(versions: Mapping[str, int]) -> list[str]:
    """Stages and readers whose code is not what `code.lock.yaml` says of their version in `versions`."""
    lock = locked()
    return [
        stage
        for stage, version in versions.items()
        if lock.get(stage, {}).get("version") != version or digest(stage) not in _equal(lock[stage])
    ]


def lock(versions: Mapping[str, int], harmless: Iterable[str], why: str) -> None:
    """Write `code.lock.yaml` for the present code.

    A stage whose number in `versions` is another than there begins anew; `harmless` names stages whose code changed
    without changing what they make. Raises KeyfiltersError, which names them, if others changed.
    """
    known, entries = locked(), {}
    left = [stage for stage in changed(versions) if stage in known and known[stage]["version"] == versions[stage]]
    undeclared = sorted({*left} - {*harmless})
    if undeclared:
        raise KeyfiltersError(
            f"the code of {', '.join(undeclared)} changed; raise their numbers in versions.yaml if their results "
            "change, or declare them harmless: `make code-digests HARMLESS='<their names, or all>' WHY='<the reason>'`"
        )
    for stage, version in versions.items():
        entry = known.get(stage, {})
        if entry.get("version") != version:
            entry = {"version": version, "digest": digest(stage)}
        elif digest(stage) not in _equal(entry):
            entry = {**entry, "harmless": {**entry.get("harmless", {}), digest(stage): why}}
        entries[stage] = entry
    LOCK.write_text(HEADER + yaml.safe_dump(entries, sort_keys=False, width=120))
    locked.cache_clear()


HEADER = """\
# Written by `make code-digests`: of each stage and reader the digest of the code that its version was given with, and
# digests that were declared to give the same results since, with the reason. See store/code.py.
"""
