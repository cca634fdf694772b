"""Snakemake says what was made with other code; a choice in the configuration makes it an error or a new key."""

import json
import shutil

import pytest
import yaml


def choose(study, choice):
    path = study.folder / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"changed_code": choice}))


@pytest.mark.parametrize("has_artifacts", [True, False])
def test_changed_code_is_a_warning_an_error_or_part_of_the_key(study, has_artifacts):
    (run,) = study.artifacts.glob("runs/train/dots-seed0-*.json")
    run.write_text(json.dumps(json.loads(run.read_text()) | {"code": {"train": "0123456789ab"}}))
    trainings = len(list(study.artifacts.glob("train/*/manifest.json")))
    line = f"code of train changed since it made train/{run.stem}"
    if not has_artifacts:  # a clone: the results, and the runs that `keyfilters manifests` put beside them
        shutil.move(study.artifacts / "runs", study.results / "runs")
        shutil.rmtree(study.artifacts)
        line += " (on record in results/tiny/runs)"

    warned = study.snakemake("--dry-run")
    assert warned.returncode == 0
    assert f"{line}\n" in warned.stderr
    assert study.plan() == {}

    choose(study, "error")
    failed = study.snakemake()
    assert failed.returncode != 0
    assert line in failed.stderr
    assert "Traceback" not in failed.stderr

    choose(study, "key")
    assert study.plan()["train"] == trainings
    assert "changed since" not in study.build("--dry-run")
