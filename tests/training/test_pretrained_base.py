"""A pretrained base model: loaded, tested, one for all seeds, and pinned."""

import copy
import hashlib
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from keyfilters.config.model import Pretrained
from keyfilters.errors import KeyfiltersError
from keyfilters.models.build import build
from keyfilters.store import artifacts
from keyfilters.store.files import sha256
from keyfilters.store.identity import Job
from keyfilters.study import jobs
from keyfilters.study.study import check
from keyfilters.training.train import train
from keyfilters.training.weights import WEIGHTS
from keyfilters.transfer.transfer import transfer
from tests.helpers.tiny_jobs import MODEL, prepared_job, training_job

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())


def pretrained_job(root, digest):
    settings = {"model": MODEL, "pretrained": {"sha256": digest}}
    return Job("train", "stripes-pretrained", settings, {"dataset": prepared_job(root, "stripes")})


def test_a_checkpoint_is_loaded_and_tested(tmp_path):
    trained = training_job(tmp_path, epochs=15)
    train(trained.description, tmp_path, threads=1)
    theirs = tmp_path / trained.folder / WEIGHTS
    job = pretrained_job(tmp_path, sha256(theirs))
    train(job.description, tmp_path, threads=1, weights=str(theirs))
    artifact = artifacts.read(tmp_path, job.folder)
    assert artifact.facts["accuracy"] == artifacts.read(tmp_path, trained.folder).facts["accuracy"] > 0.9
    ours = load_file(artifact.path / WEIGHTS)
    assert all(torch.equal(ours[name], weight) for name, weight in load_file(theirs).items())


def test_filters_of_a_pretrained_network_are_transferred(tmp_path):
    theirs = build(MODEL, 3)
    save_file(theirs.state_dict(), tmp_path / "femto.safetensors")
    source = pretrained_job(tmp_path, sha256(tmp_path / "femto.safetensors"))
    train(source.description, tmp_path, threads=1, weights=str(tmp_path / "femto.safetensors"))
    target = training_job(tmp_path, "dots")
    settings = {**target.settings, "transfer": {"layers": "depthwise", "bias": "trained"}}
    job = Job("transfer", "dots--stripes", settings, {**target.inputs, "source": source})
    transfer(job.description, tmp_path, threads=1)
    artifact = artifacts.read(tmp_path, job.folder)
    assert len(artifact.facts["frozen"]) == 12
    weights = load_file(artifact.path / WEIGHTS)
    assert all(torch.equal(weights[name], theirs.state_dict()[name]) for name in artifact.facts["frozen"])


@pytest.mark.fault("train", "a pretrained checkpoint of other bytes than the pinned ones", "refused in one line")
def test_a_checkpoint_with_another_digest_is_refused(tmp_path):
    save_file(build(MODEL, 3).state_dict(), tmp_path / "femto.safetensors")
    job = pretrained_job(tmp_path, "0" * 64)
    with pytest.raises(KeyfiltersError, match=rf"femto\.safetensors: sha256 is [0-9a-f]{{64}}, expected {'0' * 64}"):
        train(job.description, tmp_path, threads=1, weights=str(tmp_path / "femto.safetensors"))
    assert not (tmp_path / job.folder).exists()


def test_a_checkpoint_that_is_not_there_is_named(tmp_path):
    job = pretrained_job(tmp_path, "0" * 64)
    with pytest.raises(KeyfiltersError, match=r"nowhere\.pth: no such file"):
        train(job.description, tmp_path, threads=1, weights="nowhere.pth")


def study_with(pretrained, seeds=(0, 1, 2)):
    config = copy.deepcopy(CONFIG)
    mini = config["studies"]["mini"]
    mini["model"]["pretrained"], mini["seeds"] = pretrained, list(seeds)
    return config


def test_a_pretrained_source_is_one_network_for_all_seeds():
    digest = hashlib.sha256(b"").hexdigest()
    study = check(study_with({"cifar10": {"path": "here.pth", "sha256": digest}})).current
    cells = jobs.cells(study)
    assert list(cells["table7/cifar10"].inputs) == ["seed0"]
    transfers = cells["table2/emoji--cifar10"].inputs
    assert list(transfers) == ["seed0", "seed1", "seed2"]
    (source,) = {job.inputs["source"].folder for job in transfers.values()}
    assert source.startswith("train/cifar10-pretrained-")
    assert jobs.weights_of(study) == {source: "here.pth"}
    moved = check(study_with({"cifar10": {"url": "https://there/x.pth", "sha256": digest}})).current
    assert jobs.cells(moved)["table2/emoji--cifar10"].key == cells["table2/emoji--cifar10"].key
    assert jobs.cells(study)["table7/emoji"].key == jobs.cells(check(study_with({})).current)["table7/emoji"].key


@pytest.mark.parametrize(
    ("pretrained", "expected"),
    [
        ({"imagenet": {"timm": "convnext_femto"}}, "model.pretrained: no set 'imagenet', expected one of: cifar10"),
        ({"cifar10": {}}, "expected one of `timm`, `path` and `url`"),
        ({"cifar10": {"timm": "x", "path": "y"}}, "expected one of `timm`, `path` and `url`"),
        ({"cifar10": {"path": "y"}}, "`sha256` belongs to a `path` or a `url`"),
        ({"cifar10": {"timm": "x", "sha256": "0" * 64}}, "`sha256` belongs to a `path` or a `url`"),
    ],
)
def test_wrong_settings_are_one_line(pretrained, expected):
    with pytest.raises(KeyfiltersError) as caught:
        check(study_with(pretrained))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_says_a_name_or_a_digest_and_never_a_place():
    assert Pretrained(timm="convnext_femto").key_fields == {"timm": "convnext_femto"}
    assert Pretrained(path="x", sha256="0" * 64).key_fields == {"sha256": "0" * 64}
