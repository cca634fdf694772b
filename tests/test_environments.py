"""The conda environments and the lock file name the same versions."""

from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
RENAMED = {"matplotlib-base": "matplotlib", "pytorch": "torch"}


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_conda_pins_equal_the_lock_file(kind):
    locked = dict(line.split("==") for line in (PROJECT / "requirements.lock").read_text().splitlines())
    environment = yaml.safe_load((PROJECT / f"envs/{kind}.yaml").read_text())
    for pin in environment["dependencies"]:
        name, version = pin.split("=")[:2]
        if name != "python":
            assert locked[RENAMED.get(name, name)] == version, pin
