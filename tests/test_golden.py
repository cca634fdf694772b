"""A small run from images to a transfer must give the results that golden.json has.

Where results change on purpose, raise the number of the first stage that differs in
`src/keyfilters/versions.yaml`, which makes everything that rests on it stale, and renew the file with
`RENEW_GOLDEN=1 python -m pytest tests/test_golden.py`; it is not renewed while the number is the old one.
"""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from keyfilters.datasets import prepare as prepare_module
from keyfilters.models.build import build
from keyfilters.store import artifacts, identity
from keyfilters.study import jobs
from keyfilters.study.study import check
from keyfilters.training import state
from keyfilters.training.train import train
from keyfilters.transfer import transfer as transfer_job

GOLDEN = Path(__file__).with_name("golden.json")
STAGES = ("prepare", "train", "transfer")
RELATIVE = 1e-3  # other processors add in another order
SETS = ("rings", "bars")


def image(name: str, label: str, number: int) -> bytes:
    """A PNG of rings or bars, 40 by 36 pixels, whose period is the class."""
    noise = np.random.default_rng([len(name), len(label), number])
    y, x = np.mgrid[:36, :40]
    distance = np.hypot(x - 20, y - 18) if name == "rings" else x + 0.5 * y
    wave = 80 * np.sin(distance * {"fine": 1.6, "coarse": 0.7}[label]) + 128
    file = io.BytesIO()
    pixels = wave[..., None] + noise.integers(-40, 40, (36, 40, 3))
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def archive(path: Path) -> str:
    """Writes a set's tar of class folders, 30 images a class; returns its SHA-256."""
    with tarfile.open(path, "w") as tar:
        for label in ("coarse", "fine"):
            for number in range(30):
                data = image(path.stem, label, number)
                member = tarfile.TarInfo(f"{path.stem}/{label}/{number:03}.png")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def outcome(tmp_path, monkeypatch):
    """Runs the three stages, on the CPU with one thread, and returns what came out of each."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    def run() -> dict[str, dict]:
        tars = {name: tmp_path / f"{name}.tar" for name in SETS}
        settings = {
            "image_size": 32,
            "seeds": [0],
            "model": {"architecture": "convnext_femto", "dims": [8, 8, 8, 8], "patch_size": 2, "conv_mlp": False},
            "datasets": {
                name: {"source": "archive", "path": tar, "sha256": archive(tar)} for name, tar in tars.items()
            },
            "training": {
                "epochs": 3,
                "batch_size": 16,
                "learning_rate": 0.005,
                "augmentation": {"shift": 2, "flip": True},
            },
            "training_of": {},
            "transfer": {},
            "tables": {"table2": {}},
            "zoo": {},
            "analysis": {},
        }
        study = check({"study": "golden", "studies": {"golden": settings}}).current
        cell = jobs.cells(study)["table2/rings--bars"].inputs["seed0"]
        target, source = cell.inputs["dataset"], cell.inputs["source"]
        for dataset, tar in ((target, tars["rings"]), (source.inputs["dataset"], tars["bars"])):
            prepare_module.prepare(dataset.description, tmp_path, path=tar)
        base = jobs.train(study, "bars", 0)
        for job in (base, source):
            train(job.description, tmp_path, threads=1)
        transfer_job.transfer(cell.description, tmp_path, threads=1)
        arrays = load_file(tmp_path / target.folder / "arrays.safetensors")
        return {
            "prepare": {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in sorted(arrays.items())},
            **{
                job.stage: {key: artifacts.read(tmp_path, job.folder).facts[key] for key in ("losses", "accuracy")}
                for job in (base, cell)
            },
        }

    return run


def agree(old: dict, new: dict) -> bool:
    """Digests are equal; losses are close; as the test set has 12 images, accuracy may differ by one."""
    if "losses" not in old:
        return old == new
    return new["losses"] == pytest.approx(old["losses"], rel=RELATIVE) and abs(new["accuracy"] - old["accuracy"]) < 0.1


def compare(golden: dict, results: dict) -> None:
    """Fails where a result changed and no version number below it was raised."""
    raised = False
    for stage in STAGES:
        old, new = golden["versions"][stage], identity.VERSIONS[stage]
        assert new >= old, f"`{stage}` in versions.yaml went down from {old} to {new}; numbers only go up"
        raised = raised or new > old
        assert raised or agree(golden["results"][stage], results[stage]), (
            f"results of the stage `{stage}` changed: raise `{stage}` in src/keyfilters/versions.yaml to {old + 1}, "
            "then renew tests/golden.json; see the head of this file"
        )


def test_results_are_those_on_record(outcome):
    results = outcome()
    versions = {stage: identity.VERSIONS[stage] for stage in STAGES}
    if GOLDEN.exists():
        compare(json.loads(GOLDEN.read_text()), results)
    if "RENEW_GOLDEN" in os.environ:
        GOLDEN.write_text(json.dumps({"versions": versions, "results": results}, indent=1) + "\n")
    golden = json.loads(GOLDEN.read_text())
    assert golden["versions"] == versions, "a number in versions.yaml went up: renew golden.json"


def changed_schedule(monkeypatch):
    monkeypatch.setattr(state, "learning_rate_factor", lambda step, steps, warmup: 1.0)


def changed_start(monkeypatch):
    monkeypatch.setattr(
        transfer_job, "build", lambda *args, **kwargs: (torch.manual_seed(2), build(*args, **kwargs))[1]
    )


def changed_images(monkeypatch):
    upright = prepare_module.to_rgb
    monkeypatch.setattr(prepare_module, "to_rgb", lambda data: upright(data)[::-1])


CHANGES = [(changed_images, "prepare"), (changed_schedule, "train"), (changed_start, "transfer")]


@pytest.mark.parametrize(("change", "stage"), CHANGES)
def test_a_change_of_the_code_is_noticed_and_its_stage_named(outcome, monkeypatch, change, stage):
    change(monkeypatch)
    to_raise = f"raise `{stage}` in src/keyfilters/versions.yaml to {identity.VERSIONS[stage] + 1}"
    with pytest.raises(AssertionError, match=to_raise):
        compare(json.loads(GOLDEN.read_text()), outcome())


def test_a_raised_number_allows_another_result_there_and_above(monkeypatch):
    golden = json.loads(GOLDEN.read_text())
    other = golden["results"] | {stage: {"losses": [9.0], "accuracy": 0.0} for stage in ("train", "transfer")}
    monkeypatch.setitem(identity.VERSIONS, "train", golden["versions"]["train"] + 1)
    compare(golden, other)
    monkeypatch.setitem(identity.VERSIONS, "train", golden["versions"]["train"] - 1)
    with pytest.raises(AssertionError, match="only go up"):
        compare(golden, golden["results"])
