"""What is refused before anything is submitted; on a SLURM of its own see end_to_end/test_slurm.py."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from snakemake_interface_executor_plugins.utils import TargetSpec

from keyfilters.errors import KeyfiltersError
from keyfilters.planning import slurm


def group(count: int) -> SimpleNamespace:
    """A group of that many jobs of Snakemake, without resources."""
    targets = [TargetSpec("cell", {"table": "table2", "cell": f"set{number:04}--set"}) for number in range(count)]
    return SimpleNamespace(name="cells", get_target_spec=lambda: targets, resources={}, threads=1)


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """What SLURM is asked for, which takes everything."""
    asked: list[str] = []
    monkeypatch.setattr(slurm.shutil, "which", {"sbatch": "/usr/bin/sbatch"}.get)  # no other program of SLURM
    monkeypatch.setattr(slurm, "_beyond_partition", lambda _: None)
    monkeypatch.setattr(slurm, "_refused", asked.append)
    return asked


@pytest.mark.fault("SLURM", "a group of more jobs than a command can name", "one line before anything is submitted")
def test_a_group_of_more_jobs_than_a_command_can_name_is_refused_before_slurm_is_asked(asked):
    with pytest.raises(KeyfiltersError, match=r"the group cells has 4,000 jobs.*fewer in `group-components`"):
        slurm.check([group(4000)], None)
    assert asked == []


def test_a_group_that_a_command_can_name_is_submitted(asked):
    slurm.check([group(1000)], None)
    assert len(asked) == 1
