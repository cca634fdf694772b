"""How often a job is tried, and what a second attempt finds done; without SLURM, see test_slurm.py for that."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.helpers.tiny_study import PARTS, PROJECT, Study, configuration


@pytest.mark.fault("Snakemake", "`--retries`, and a job with wrong input", "it is tried once, whatever `retries` says")
def test_what_somebody_has_to_mend_is_tried_once(tmp_path):
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(configuration(tmp_path)))
    with (tmp_path / "dots.tar").open("ab") as archive:
        archive.write(b"damage")
    done = Study(tmp_path).snakemake("--retries", "3", "all_prepare")
    assert done.returncode == 1
    assert done.stderr.count("Error in rule prepare") == 1
    assert "dots.tar: sha256 is" in done.stderr
    assert "Trying to restart" not in done.stderr


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_further_attempt_at_a_group_leaves_what_is_whole_and_makes_the_rest(study, attempt):
    """As Snakemake runs a job or a group on a node, where it forces all of the group's jobs."""
    whole, damaged = sorted((study.artifacts / "train").iterdir())[:2]
    weights = (damaged / "model.safetensors").read_bytes()
    (damaged / "model.safetensors").write_bytes(weights[:-1])
    before = {path: (path / "manifest.json").stat().st_ino for path in (whole, damaged)}
    targets = [str(Path(path, "manifest.json").relative_to(study.folder)) for path in before]
    study.build("--mode", "remote", "--attempt", str(attempt), "--force", *targets)
    remade = {path for path, number in before.items() if (path / "manifest.json").stat().st_ino != number}
    assert remade == ({whole, damaged} if attempt == 1 else {damaged})
    assert (damaged / "model.safetensors").read_bytes() == weights
    kept = [path for path in (study.folder / ".snakemake/backup").rglob("*") if path.is_file()]
    assert kept == []
