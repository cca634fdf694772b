"""The conda environments, the recipes of containers and the lock file name the same versions."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
RENAMED = {"matplotlib-base": "matplotlib", "pytables": "tables", "pytorch": "torch"}
UNPINNED = ("python", "pip")


LOCKED = dict(line.split("==") for line in (PROJECT / "requirements.lock").read_text().splitlines())
PLANNERS = {"dvc", "rocrate", "snakemake", "snakemake-executor-plugin-slurm"}  # what runs jobs, or reads what they made


def pins(kind):
    """Package and version, by the names of the lock file."""
    dependencies = yaml.safe_load((PROJECT / f"envs/{kind}.yaml").read_text())["dependencies"]
    conda = [pin.split("=")[:2] for pin in dependencies if isinstance(pin, str)]
    pip = [pin.split("==") for group in dependencies if isinstance(group, dict) for pin in group["pip"]]
    return {RENAMED.get(name, name): version for name, *version in conda + pip if name not in UNPINNED}


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_conda_pins_equal_the_lock_file(kind):
    assert pins(kind) == {name: [LOCKED[name]] for name in pins(kind)}


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_conda_has_all_that_jobs_import(kind):
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    direct = {re.split("[=<>~]", dependency)[0] for dependency in project["dependencies"]}
    assert direct - PLANNERS <= set(pins(kind))


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_a_conda_environment_gets_the_project_itself(kind):
    script = (PROJECT / f"envs/{kind}.post-deploy.sh").read_text()
    assert "pip install --quiet --no-deps --no-build-isolation --editable ." in script


@pytest.mark.parametrize("recipe", ["Dockerfile", "keyfilters.def"])
def test_an_image_has_the_locked_versions_and_the_project(recipe):
    text = (PROJECT / "envs" / recipe).read_text()
    python = yaml.safe_load((PROJECT / "envs/cpu.yaml").read_text())["dependencies"][0].partition("=")[2]
    assert re.search(rf"^FROM:? python:{re.escape(python)}-", text, re.MULTILINE | re.IGNORECASE)
    assert "--requirement requirements.lock --constraint requirements-cuda.lock" in text
    assert "pip install --no-cache-dir --no-deps --no-build-isolation ." in text
    for part in ("requirements.lock", "requirements-cuda.lock", "pyproject.toml", "README.md", "src"):
        assert re.search(rf"^(COPY|  ) .*{re.escape(part)} ", text, re.MULTILINE), part
