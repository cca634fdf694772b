"""Snakemake says what was made with other code; a choice in the configuration makes it an error or a new key."""

import json

import yaml


def choose(study, choice):
    path = study.folder / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"changed_code": choice}))


def test_changed_code_is_a_warning_an_error_or_part_of_the_key(study):
    (run,) = study.artifacts.glob("runs/train/dots-seed0-*.json")
    run.write_text(json.dumps(json.loads(run.read_text()) | {"code": {"train": "0123456789ab"}}))

    warned = study.snakemake("--dry-run")
    assert warned.returncode == 0
    assert f"code of train changed since it made train/{run.stem}\n" in warned.stderr
    assert study.plan() == {}

    choose(study, "error")
    failed = study.snakemake()
    assert failed.returncode != 0
    assert f"code of train changed since it made train/{run.stem}" in failed.stderr
    assert "Traceback" not in failed.stderr

    choose(study, "key")
    assert study.plan()["train"] == len(list(study.artifacts.glob("train/*/manifest.json")))
