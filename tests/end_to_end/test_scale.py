"""A study of 5,000 cells is planned and explained with work that its size explains; its artifacts are stubs.

Work is counted in files of the study that are opened, which no other load of the machine changes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from keyfilters.study.study import check
from tests.helpers import slurm_stub
from tests.helpers.stubs import configuration, make
from tests.helpers.tiny_study import PARTS, PROJECT, Study
from tests.helpers.versioned import Versioned, pipeline

TARGETS, SOURCES = 50, 100
CONFIG = configuration(TARGETS, SOURCES)


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> Versioned:
    """The study with everything made, and recorded by DVC."""
    folder = tmp_path_factory.mktemp("wide")
    for part in (*PARTS, ".gitignore", ".dvcignore", "src/keyfilters/versions.yaml"):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "dvc.yaml").write_text(pipeline())
    wide = Versioned(folder)
    make(check(CONFIG).current, wide.artifacts, wide.results)
    wide.run("git", "init", "--quiet")
    wide.run("dvc", "init", "--quiet")
    wide.run("dvc", "config", "core.analytics", "false")
    wide.run("dvc", "commit", "--force", "--quiet")
    return wide


COUNTING = """
import json, os, sys
from importlib import import_module
folders, opened = [os.path.abspath(name) + "/" for name in ("artifacts", "results")], []
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        path = os.path.abspath(arguments[0])
        if path.startswith(tuple(folders)):
            opened.append(path)
sys.addaudithook(note)
sys.argv = sys.argv[1:]
try:
    import_module(sys.argv[0]).main()
finally:
    with open(os.environ["OPENED"], "w") as file:
        json.dump(opened, file)
"""


def opened(study: Versioned, module: str, *arguments: str) -> tuple[str, Counter[str]]:
    """What a module prints that runs in the study, and how often it opens each file of artifacts and results."""
    noted = study.folder / "opened.json"
    command = [sys.executable, "-c", COUNTING, module, *arguments]
    done = subprocess.run(
        command, cwd=study.folder, env={**os.environ, "OPENED": str(noted)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr, Counter(json.loads(noted.read_text()))


def test_there_are_5000_cells(wide):
    assert len(list((wide.results / "cells/table2").iterdir())) == TARGETS * SOURCES == 5000
    assert len(list((wide.artifacts / "transfer").iterdir())) == 5000


@pytest.mark.parametrize("target", ["table2", "all"])
def test_planning_reads_each_record_once_and_no_artifact(wide, target):
    printed, files = opened(wide, "snakemake.cli", "--dry-run", target)
    assert "Nothing to be done" in printed
    assert max(files.values()) == 1


def test_a_changed_set_plans_its_row_and_its_column(wide):
    """One set of 50 that are both target and source: its row of 100, its column of 50, and its base model."""
    original = (wide.folder / "config.yaml").read_text()
    wide.configure(lambda study: study.update(training_of={"set07": {"epochs": 3, "warmup_epochs": 1}}))
    try:
        plan = wide.plan("table2")
    finally:
        (wide.folder / "config.yaml").write_text(original)
    assert plan == {"train": 2, "transfer": 149, "cell": 150, "table2": 1}


def test_a_table_whose_description_no_command_line_holds_is_made(wide):
    before = wide.files()
    table = wide.results / "tables/table2.md"
    table.unlink()
    assert wide.plan("table2") == {"table2": 1}
    wide.build("table2")
    assert table.exists()
    (handed,) = (wide.folder / ".snakemake/keyfilters/table2").iterdir()
    assert handed.stat().st_size > 131_072  # the longest argument that Linux takes
    for name, content in before.items():  # the other tests' stubs
        (wide.results / name).write_bytes(content)


CALLS = """
import cProfile, pstats
from snakemake.cli import main
profile = cProfile.Profile()
try:
    profile.runcall(main)
finally:
    print("calls:", pstats.Stats(profile).total_calls)
"""


def test_planning_takes_work_that_grows_as_the_jobs_do(tmp_path):
    """From nothing, so that every job is planned, and grouped as for SLURM."""
    calls = {}
    for targets in (6, 12):
        study = Study(tmp_path / str(targets))
        study.folder.mkdir()
        for part in PARTS:
            source = PROJECT / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, study.folder / part)
        (study.folder / "config.yaml").write_text(yaml.safe_dump(configuration(targets, SOURCES)))
        command = [sys.executable, "-c", CALLS, "--dry-run", "table2", "--quiet", "all"]
        done = subprocess.run(command, cwd=study.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        jobs, count = (int(re.search(rf"^{name} +(\d+)$", done.stdout, re.M)[1]) for name in ("total", "calls:"))
        calls[jobs] = count
    (few, fewer), (many, more) = calls.items()
    assert more / fewer < 1.1 * many / few


def test_5000_cells_go_to_slurm_in_groups_that_a_command_can_name(wide, tmp_path):
    """Linux takes 131,072 bytes in an argument, which the cells of one group would exceed."""
    kept = Path(shutil.copytree(wide.folder / "results", tmp_path / "results")).parent
    cells = sorted((wide.results / "cells/table2").iterdir())
    outputs = {f"cell:table=table2,cell={path.stem}": [path] for path in cells}
    outputs["table2:"] = sorted((wide.results / "tables").glob("table2.*"))
    for path in (path for files in outputs.values() for path in files):
        path.unlink()
    named = {job: [str(path.relative_to(wide.folder)) for path in files] for job, files in outputs.items()}
    shutil.copytree(PROJECT / "slurm", wide.folder / "slurm")
    command = [sys.executable, "-m", "snakemake", "--profile", "slurm", "table2"]
    done = subprocess.run(
        [*command, "--slurm-init-seconds-before-status-checks", "1"],
        cwd=wide.folder,
        env=slurm_stub.install(tmp_path / "slurm", named, kept),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    submitted = slurm_stub.submissions(tmp_path / "slurm")
    assert sorted(job for _, jobs in submitted for job in jobs) == sorted(outputs)
    assert len(submitted) == len(cells) // 100 + 1
    assert max(length for length, _ in submitted) < 131_072 / 8
    assert len(" ".join(outputs)) > 131_072


def test_a_cell_is_explained_from_its_own_files(wide):
    printed, files = opened(wide, "keyfilters.cli", "explain", "table2", "set07", "set93")
    assert "table2/set07--set93: fresh" in printed
    assert 0 < len(files) < 50  # of 10,000


def test_dvc_finds_it_up_to_date(wide):
    assert "up to date" in wide.run("dvc", "status").stdout


@pytest.mark.parametrize("module", ["keyfilters.provenance.explain", "keyfilters.study.jobs"])
def test_nothing_heavy_is_imported_to_explain_or_plan(module):
    program = f"import sys, {module}; print([name for name in ('torch', 'pandas', 'timm') if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
