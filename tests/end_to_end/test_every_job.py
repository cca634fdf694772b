"""Every kind of job is made from its declared inputs alone, and comes out the same whatever a study is ordered by."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from keyfilters.store.identity import VERSIONS
from keyfilters.study.study import check
from tests.helpers import isolated_jobs
from tests.helpers.every_kind import configuration, other_way_round

# Their settings list networks or rows in the order of the configuration, so their keys depend on it.
ORDERED = {"lowres", "filterdb_reproducibility", "depthwise_drift", "depthwise_quality"}


def build(folder: Path, config: dict, hash_seed: int) -> Path:
    """Run all its jobs in a process of its own, whose sets have the order that the seed gives; returns the folder."""
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    command = [sys.executable, isolated_jobs.__file__, str(folder)]
    done = subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": str(hash_seed)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> dict:
    return configuration(tmp_path_factory.mktemp("sets"))


@pytest.fixture(scope="module")
def built(tmp_path_factory, config) -> Path:
    return build(tmp_path_factory.mktemp("built") / "study", config, 1)


@pytest.mark.fault("artifact", "a job has its declared inputs and nothing else", "every kind of job and figure is made")
def test_every_kind_of_job_needs_its_declared_inputs_alone(built, config):
    named = isolated_jobs.named_jobs(check(config).current)
    assert {job.stage for job in named.values()} == {*VERSIONS} - {"readers"}
    assert all(isolated_jobs.outputs(built, name, job) for name, job in named.items())


def test_the_order_of_a_configuration_changes_nothing_that_has_the_same_key(built, config, tmp_path):
    turned = other_way_round(config)
    other = build(tmp_path / "study", turned, 2)
    named, again = (isolated_jobs.named_jobs(check(ordered).current) for ordered in (config, turned))
    same = {name for name, job in named.items() if again[name].key == job.key}
    assert {named[name].stage for name in {*named} - same} == ORDERED
    for name in same:
        one, two = (isolated_jobs.outputs(folder, name, named[name]) for folder in (built, other))
        assert [path.name for path in one] == [path.name for path in two]
        differ = [path.name for path, copy in zip(one, two, strict=True) if path.read_bytes() != copy.read_bytes()]
        assert not differ, f"{name}: {differ}"


def test_no_record_says_how_its_making_went(built):
    """Neither times, machine nor software are in anything that has a digest."""
    words = {"seconds", "cpu_seconds", "started", "hardware", "software", "images_per_second", "torch"}

    def keys(content) -> set[str]:
        if isinstance(content, dict):
            return {*content}.union(*map(keys, content.values()))
        return set().union(*map(keys, content)) if isinstance(content, list) else set()

    records = [*built.glob("artifacts/*/*/manifest.json"), *built.glob("results/**/*.json")]
    assert records
    assert not [path for path in records if "runs" not in path.parts and keys(json.loads(path.read_text())) & words]
