"""From whatever is left of a study, a run ends where a clean one does, or names in one line what to delete first.

Two examples, always the same; KEYFILTERS_EXAMPLES=100 draws as many others as that, see `make fuzz`.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from keyfilters.provenance.verify import verify
from tests.helpers.tiny_study import Study

EXAMPLES = os.environ.get("KEYFILTERS_EXAMPLES")
OVERWRITE = {"bytes": b"\xff\xfe\x00 no text", "other JSON": b"[1, 2]"}
KINDS = ("delete", "truncate", "swap", "lock", *OVERWRITE)
PARTS = ("artifacts", "results", "logs", ".snakemake")
CURE = re.compile(
    r"^\s*keyfilters \w+: (artifacts/tiny/[^/]+/[^/:]+)[^:]*: .*; delete (?:it|the folder) and run again$", re.M
)

positions = st.tuples(st.sampled_from(PARTS), st.floats(0, 1, exclude_max=True))
damages = st.lists(st.tuples(st.sampled_from(KINDS), positions, positions), min_size=1, max_size=8)


def path_at(folder: Path, position: tuple[str, float], folders: bool) -> Path | None:
    """The file, or the file or folder, at that place of all in a part of the project."""
    part, at = position
    paths = [path for path in sorted((folder / part).rglob("*")) if folders or path.is_file()]
    return paths[int(at * len(paths))] if paths else None


def damage(folder: Path, kind: str, *at: tuple[str, float]) -> str:
    """Damage a project; returns what was done."""
    one, other = (path_at(folder, position, folders=kind == "delete") for position in at)
    if kind == "lock":
        locks = folder / ".snakemake/locks"
        locks.mkdir(parents=True, exist_ok=True)
        (locks / "0.output.lock").write_text("results/tiny/tables/table2.csv\n")
    elif one is None or other is None:
        return "nothing"
    elif kind == "delete":
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    elif kind == "truncate":
        os.truncate(one, one.stat().st_size // 2)
    elif kind in OVERWRITE:
        one.write_bytes(OVERWRITE[kind])
    else:
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)
    return f"{kind} {one} {other if kind == 'swap' else ''}"


def run_and_follow(study: Study) -> None:
    """Run Snakemake until it succeeds, and meanwhile delete what it says is to be deleted."""
    for _ in range(20):
        done = study.snakemake("--keep-going")
        printed = done.stdout + done.stderr
        assert "Traceback" not in printed
        if done.returncode == 0:
            return
        named = {study.folder / name for name in CURE.findall(printed)}
        assert named, printed
        for path in named:
            shutil.rmtree(path)
    pytest.fail("it does not end")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.fault(
    "Snakemake",
    "any of artifacts, results, logs, `.snakemake` is deleted, cut short, swapped or overwritten; locks are left",
    "a run ends as a clean one, or a line names what to delete; then it does",
)
@settings(
    max_examples=int(EXAMPLES or 1),
    database=None,
    deadline=None,
    phases=[Phase.generate if EXAMPLES else Phase.explicit],
    suppress_health_check=list(HealthCheck),
)
@given(damages)
@example(
    [
        ("swap", ("logs", 0.3), (".snakemake", 0.6)),
        ("truncate", ("artifacts", 0.5), ("artifacts", 0)),
        ("swap", ("results", 0.8), ("results", 0.9)),
        ("delete", ("results", 0.95), ("results", 0)),
        ("lock", ("logs", 0), ("logs", 0)),
    ]
)
@example(
    [
        ("bytes", (".snakemake", 0.95), ("logs", 0)),
        ("other JSON", (".snakemake", 0.9), ("logs", 0)),
        ("other JSON", ("artifacts", 0.3), ("logs", 0)),
        ("swap", ("artifacts", 0.5), (".snakemake", 0.8)),
        ("bytes", ("results", 0.1), ("logs", 0)),
        ("other JSON", ("results", 0.48), ("logs", 0)),
        ("other JSON", ("artifacts", 0.87), ("logs", 0)),
    ]
)
def test_a_run_converges_from_whatever_is_left(built, damages):
    clean = files(built.results)
    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(shutil.copytree(built.folder, f"{folder}/project")))
        for step in damages:
            print(damage(study.folder, *step))
        run_and_follow(study)
        results = files(study.results)
        assert results.items() <= clean.items()
        # The cells below a table that is there are not needed.
        assert {name for name in clean if name.startswith("tables/")} <= set(results)
        artifacts, left = files(built.artifacts), files(study.artifacts)
        wrong = {
            str(Path(name).parent)
            for name, content in artifacts.items()
            if left.get(name, content) != content and not name.startswith("runs/")
        }
        # What no job has read is found by `keyfilters verify`.
        verified = "\n".join(verify(study.artifacts, study.results))
        whole = [name for name in wrong if (study.artifacts / name / "manifest.json").exists()]
        assert [name for name in whole if f"/{name}" not in verified] == []
