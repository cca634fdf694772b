"""What every test has."""

import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from keyfilters.results.cell import cell
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.training.testing import facts_of_test

# What trains networks, draws many images, starts Snakemake, or reads thousands of files: not in `make test-fast`.
SLOW = (
    *("end_to_end", "training", "transfer", "results", "running"),
    *("test_benchmarks.py", "test_contributing.py", "test_golden.py"),
    *("analysis/test_memory.py", "analysis/test_stages.py", "cli/test_networks.py", "filters/test_extract.py"),
    *(
        "filters/test_onnx_export.py",
        "models/test_depthwise.py",
        "models/test_hornet.py",
        "models/test_lowres_networks.py",
    ),
    *("provenance/test_reproduce.py", "zoo/readers/test_mutated_files.py"),
)

SIZES = {"big": 900, "middle": 500, "small": 20, "cifar10": 300}


def facts(name):
    return {"name": name, "title": f"The {name} set", "classes": 4, "train": SIZES[name], "test": 10}


# Tests send signals to what they start, which would ignore those that a shell in the background or `nohup` had ignored.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.fixture
def gathered(tmp_path):
    """Gather the cell `<table>/<name>` of trainings that end at `accuracies`; returns its name and job."""

    def gathered(table, target, source=None, accuracies=(0.5,), name=None, role=None, bias="trained", **choices):
        inputs = {}
        name = name or (f"{target}--{source}" if source else target)
        for seed, accuracy in enumerate(accuracies):
            job = Job("train", f"{table}-{name}-seed{seed}", {"seed": seed})
            with artifacts.write(tmp_path / "artifacts", job.description) as draft:
                right = np.arange(facts(target)["test"]) < round(accuracy * facts(target)["test"])
                draft.facts.update(facts_of_test(right) | {"accuracy": accuracy}, dataset=facts(target))
                if source:
                    draft.facts.update(source=facts(source))
            inputs[f"seed{seed}"] = job
        settings = {"choices": {"bias": bias, **choices} if source else None} | ({"role": role} if role else {})
        job = Job("cell", name, settings, inputs)
        cell(job.description, tmp_path / "artifacts", tmp_path / f"results/cells/{table}/{name}.json")
        return f"{table}/{name}", job

    return gathered


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if any(item.path.is_relative_to(here / part) for part in SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: not item.path.is_relative_to(here / "end_to_end"))  # the longest first
