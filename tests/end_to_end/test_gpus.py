"""The way that a study goes on a machine with GPUs, here on the CPU: places, bf16, manifests beside the tables."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.tiny_study import Study

KEYFILTERS = str(Path(sys.executable).with_name("keyfilters"))


def planned(study: Study, *arguments: str) -> str:
    """The resources of a training, by a dry run of everything."""
    printed = study.build("--dry-run", "--forceall", *arguments)
    return re.search(r"rule train:.*?resources: (.*?)\n", printed, re.S)[1]


@pytest.mark.parametrize(("arguments", "gpu"), [((), 0), (("--resources", "gpu=2"), 1)])
def test_a_training_takes_a_place_where_there_are_some(study, arguments, gpu):
    assert f"gpu={gpu}" in planned(study, *arguments)


def test_tables_in_bf16_with_their_manifests(study):
    study.configure(lambda settings: settings["training"].update(precision="bf16"))
    study.build("table7", "--resources", "gpu=2", "--config", "jobs_per_gpu=2")
    for verb in ("manifests", "verify"):
        done = subprocess.run([KEYFILTERS, verb], cwd=study.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert len(list((study.results / "manifests/train").glob("*.json"))) == 3
    assert '"precision": "bf16"' in next((study.results / "manifests/train").glob("dots-*")).read_text()
