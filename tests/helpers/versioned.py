"""The tiny study in a git repository, as DVC keeps it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.helpers.tiny_study import PROJECT, Study

STAGES = ("sets", "models", "transfers", "table7", "table2")  # what the tests' studies have
REMOTE = "keyfilters-remote"  # where the project's .dvc/config says: beside the clone
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@localhost",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@localhost",
}


class Versioned(Study):
    """A study in a git repository with DVC."""

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "as it is")

    def clone(self, folder: Path, link: str = "copy") -> Versioned:
        """A clone with a cache of its own and this one's remote; what DVC tracks is not in it yet."""
        self.run("git", "clone", "--quiet", str(self.folder), str(folder))
        clone = Versioned(folder)
        clone.run("dvc", "remote", "modify", "--local", "shared", "url", str(self.folder.parent / REMOTE))
        clone.run("dvc", "config", "--local", "cache.type", link)
        return clone

    def stale(self) -> set[str]:
        """Stages that `dvc status` names."""
        return set(re.findall(r"^(\w+):$", self.run("dvc", "status").stdout, re.M))

    def trained(self) -> dict[str, str]:
        """The manifest of each training now present, by its folder: it says when it was made."""
        return {
            str(path.parent.relative_to(self.artifacts)): path.read_text()
            for stage in ("train", "transfer")
            for path in self.artifacts.glob(f"{stage}/[!.]*/manifest.json")
        }


def pipeline(*others: str) -> str:
    """The project's dvc.yaml with the stages that the tests' studies have, and `others`; without what only larger
    studies have."""
    whole = yaml.safe_load((PROJECT / "dvc.yaml").read_text())
    stages = {stage: whole["stages"][stage] for stage in (*STAGES, *others)}
    for stage in stages.values():
        stage["deps"] = [dep for dep in stage.get("deps", ()) if not dep.endswith(("_other", "_lowres", ".csv"))]
    return yaml.safe_dump(whole | {"stages": stages})
