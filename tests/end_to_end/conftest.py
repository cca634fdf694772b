"""The tiny study, built once, and recorded once with DVC."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.helpers.tiny_study import PARTS, PROJECT, Study, configuration
from tests.helpers.versioned import Versioned, pipeline


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Study:
    """The tiny study, built. Do not change it: `study` gives a copy."""
    folder = tmp_path_factory.mktemp("project")
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration(folder)))
    study = Study(folder)
    study.build()
    return study


@pytest.fixture
def study(built, tmp_path) -> Study:
    """A copy of the built study."""
    return Study(Path(shutil.copytree(built.folder, tmp_path / "project")))


@pytest.fixture(scope="session")
def recorded(built, tmp_path_factory) -> Versioned:
    """The tiny study with a network in its store, recorded by DVC and pushed where the project's own .dvc/config says.
    Do not change it: clone it."""
    study = Versioned(Path(shutil.copytree(built.folder, tmp_path_factory.mktemp("recorded") / "project")))
    study.configure(lambda tiny: tiny.update(zoo={"trained": ["dots"]}))
    for part in (".gitignore", ".dvcignore", ".dvc/.gitignore", ".dvc/config", "src/keyfilters/versions.yaml"):
        (study.folder / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / part, study.folder / part)
    (study.folder / "dvc.yaml").write_text(pipeline("filters"))
    study.run("git", "init", "--quiet")
    study.run("dvc", "repro", "--quiet")
    study.commit()
    study.run("dvc", "push", "--quiet")
    return study


@pytest.fixture
def clone(recorded, tmp_path) -> Versioned:
    return recorded.clone(tmp_path / "clone")
