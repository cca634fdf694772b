"""A study of two targets and three sources, made of stubs."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keyfilters.store.identity import Job
from keyfilters.study import jobs
from keyfilters.study.study import Study, check
from tests.helpers.stubs import configuration, make


@dataclass
class Workspace:
    """The study with what was made of it; `settings` may change since."""

    root: Path
    results: Path
    config: dict = field(default_factory=lambda: configuration(targets=2, sources=3))

    @property
    def settings(self) -> dict:
        return self.config["studies"]["tiny"]

    @property
    def study(self) -> Study:
        """The study as the settings are now."""
        return check(copy.deepcopy(self.config)).current

    def cell(self, name: str) -> Job:
        return jobs.cells(self.study)[name]

    @property
    def keyed(self) -> dict[str, Job]:
        return jobs.keyed(self.study)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    workspace = Workspace(tmp_path / "artifacts/tiny", tmp_path / "results/tiny")
    make(workspace.study, workspace.root, workspace.results)
    return workspace
