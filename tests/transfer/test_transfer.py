"""A transfer job: frozen filters stay as they came, bit for bit; everything else moves."""

import itertools
import os
import shutil
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from keyfilters.analysis import patterns
from keyfilters.config.transfer import Transfer
from keyfilters.errors import KeyfiltersError, Stopped
from keyfilters.models.build import build
from keyfilters.models.convolutions import depthwise_layers
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.training import loop
from keyfilters.training.network import load_network
from keyfilters.training.state import State
from keyfilters.training.train import train
from keyfilters.training.weights import WEIGHTS
from keyfilters.transfer.copying import End, copy_filters
from keyfilters.transfer.shapes import nearest
from keyfilters.transfer.transfer import transfer
from tests.helpers.tiny_jobs import MODEL, training_job

HORNET = {"architecture": "hornet_tiny", "depths": [1, 1, 1, 1], "base_dim": 8, "patch_size": 2}
RESNET = {"architecture": "resnet50", "layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16]}
PLAIN = {"architecture": "yosinski8", "width": 1 / 16, "patch_size": 1, "map_size": 3}


def trained(root, choices, model=MODEL, source_model=MODEL, source="waves"):
    """Weights of the base model and of the network that took its filters, and the facts of the latter."""
    base, own = training_job(root, source), training_job(root)
    base = Job(base.stage, base.name, base.settings | {"model": source_model, "seed": 1}, base.inputs)
    settings = own.settings | {"model": model, "transfer": choices}
    job = Job("transfer", f"stripes--{source}", settings, own.inputs | {"source": base})
    train(base.description, root, threads=1)
    transfer(job.description, root, threads=1)
    weights = [load_file(root / folder / WEIGHTS) for folder in (base.folder, job.folder)]
    return *weights, artifacts.read(root, job.folder).facts


def start(model=MODEL):
    torch.manual_seed(0)
    return build(model, classes=3)


@pytest.mark.parametrize("bias", ["trained", "copied"])
@pytest.mark.parametrize("source", ["waves", "stripes"])
def test_depthwise_filters_in_place(tmp_path, source, bias):
    base, final, facts = trained(tmp_path, {"layers": "depthwise", "bias": bias}, source=source)
    kinds = ("weight",) if bias == "trained" else ("weight", "bias")
    network = start()
    frozen = {f"{layer}.{kind}" for layer in depthwise_layers(network) for kind in kinds}
    assert len(frozen) == 12 * len(kinds)
    assert set(facts["frozen"]) == frozen
    assert facts["source"]["name"] == source
    for name, before in network.state_dict().items():
        if name in frozen:
            assert torch.equal(final[name], base[name]), name
        else:
            assert not torch.equal(final[name], before), f"{name} did not move"


@pytest.mark.parametrize(
    ("model", "source_model", "choices", "count"),
    [
        (MODEL, HORNET, {"arrangement": "stacked", "bias": "copied"}, 24),
        (MODEL, MODEL, {"arrangement": "shuffled"}, 12),
        (MODEL, MODEL, {"arrangement": "repeated"}, 12),
        (MODEL, MODEL, {"first": 4}, 4),
        (MODEL, MODEL, {"frozen": False}, 12),
        (MODEL, MODEL, {"layers": "pointwise"}, 24),
        (HORNET, MODEL, {"arrangement": "stacked"}, 4),
        (RESNET, RESNET, {"layers": "convolutions", "first": 3}, 4),
        (RESNET, RESNET, {"layers": "convolutions"}, 17),
        (RESNET, RESNET, {"layers": "convolutions", "first": 3, "batch_norm": "copied"}, 5 * 4),
        (RESNET, RESNET, {"layers": "convolutions", "batch_norm": "copied", "frozen": False}, 5 * 17),
        (PLAIN, PLAIN, {"layers": "convolutions", "first": 2, "bias": "copied"}, 4),
    ],
)
def test_what_was_copied_is_frozen_and_all_else_moves(tmp_path, model, source_model, choices, count):
    base, final, facts = trained(tmp_path, choices, model, source_model)
    source = build(source_model, classes=3)
    source.load_state_dict(base)
    network = start(model)
    copied = copy_filters(End("the source", source), End("the target", network), Transfer(**choices), seed=0)
    assert facts["copied"] == copied
    assert len(copied) == count
    assert facts["frozen"] == (copied if choices.get("frozen", True) else [])
    assert network.state_dict().keys() == final.keys()
    for name, before in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(final[name], before) == (name in facts["frozen"]), name


def norms_copied(root, **training):
    """A transfer between ResNets of the first three convolutions and their BatchNorm, its source trained."""
    own, base = training_job(root, **training), training_job(root, "waves", 1)
    base = Job(base.stage, base.name, base.settings | {"model": RESNET}, base.inputs)
    choices = {"layers": "convolutions", "first": 3, "batch_norm": "copied"}
    train(base.description, root, threads=1)
    settings = own.settings | {"model": RESNET, "transfer": choices}
    return Job("transfer", "stripes--waves", settings, own.inputs | {"source": base})


def test_a_network_with_frozen_batch_norm_is_read_back_as_it_was_tested(tmp_path):
    job = norms_copied(tmp_path)
    tested = []

    def correct(network, *arguments):
        tested.append(network)
        return measure(network, *arguments)

    measure = loop.correct
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "correct", correct)
        transfer(job.description, tmp_path, threads=1)
    network, images = load_network(artifacts.read(tmp_path, job.folder)).eval(), torch.randn(2, 3, 32, 32)
    assert network.bn1.running_mean.abs().sum() > 0
    with torch.no_grad():
        assert torch.allclose(network(images), tested[0](images), atol=1e-5)


@pytest.mark.parametrize("training", [{}, {"ema": 0.5}])
def test_a_stopped_training_with_frozen_batch_norm_goes_on_to_the_same_weights(tmp_path, monkeypatch, training):
    job = norms_copied(tmp_path, **training)
    add, steps = State.add, itertools.count(1)

    def add_and_stop(state, *step):
        add(state, *step)
        if next(steps) == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    transfer(job.description, tmp_path, threads=1)
    unbroken = artifacts.read(tmp_path, job.folder)
    weights = load_file(unbroken.path / WEIGHTS)
    shutil.rmtree(unbroken.path)
    monkeypatch.setattr(State, "add", add_and_stop)
    with pytest.raises(Stopped):
        transfer(job.description, tmp_path, threads=1)
    transfer(job.description, tmp_path, threads=1)
    again = artifacts.read(tmp_path, job.folder)
    source = load_file(tmp_path / job.inputs["source"].folder / WEIGHTS)
    for name, value in load_file(again.path / WEIGHTS).items():
        assert torch.equal(value, weights[name]), name
        assert torch.equal(value, source[name]) == (name in again.facts["frozen"]) or name.endswith("tracked"), name


def test_under_one_seed_a_transfer_starts_where_the_base_model_of_its_target_does(tmp_path):
    """Without training, all that is not transferred is equal."""
    own = training_job(tmp_path)
    other = Job("train", "stripes", own.settings | {"seed": 1}, own.inputs)
    settings = own.settings | {"transfer": {"layers": "depthwise"}}
    job = Job("transfer", "stripes--stripes", settings, own.inputs | {"source": other})
    starts = {}

    def no_training(network, description, draft, jobs_per_gpu):
        starts[description["stage"]] = {name: value.clone() for name, value in network.state_dict().items()}
        draft.facts.update(dataset=draft.inputs["dataset"].facts)

    train(other.description, tmp_path, threads=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keyfilters.training.train.train_and_test", no_training)
        patch.setattr("keyfilters.transfer.transfer.train_and_test", no_training)
        train(own.description, tmp_path, threads=1)
        transfer(job.description, tmp_path, threads=1)
    filters = {f"{layer}.weight" for layer in depthwise_layers(start())}
    for name, value in starts["train"].items():
        assert torch.equal(value, starts["transfer"][name]) == (name not in filters), name


def controlled(root, control, source="waves"):
    """Weights of the base model, of the network with a control, and the names of what was frozen."""
    base, final, facts = trained(root, {"layers": "depthwise", "control": control}, source=source)
    assert set(facts["frozen"]) == {f"{layer}.weight" for layer in depthwise_layers(start())}
    return base, final, facts["frozen"]


def test_random_filters_are_the_targets_own_as_initialised(tmp_path):
    own = training_job(tmp_path)
    settings = own.settings | {"transfer": {"layers": "depthwise", "control": "random"}}
    job = Job("transfer", "stripes--random", settings, own.inputs)
    transfer(job.description, tmp_path, threads=1)
    artifact = artifacts.read(tmp_path, job.folder)
    final, before = load_file(artifact.path / WEIGHTS), start().state_dict()
    assert "source" not in artifact.facts
    for name, value in final.items():
        assert torch.equal(value, before[name]) == (name in artifact.facts["frozen"]), name


def test_the_identity_mixes_no_pixels(tmp_path):
    _, final, frozen = controlled(tmp_path, "identity")
    images = torch.randn(1, 1, 8, 8)
    for name in frozen:
        kernel = final[name][:1]
        assert torch.equal(torch.nn.functional.conv2d(images, kernel, padding=kernel.shape[-1] // 2), images)


def test_random_directions_keep_the_norms_of_the_sources_filters_alone(tmp_path):
    base, final, frozen = controlled(tmp_path, "norms")
    for name in frozen:
        theirs, ours = base[name].flatten(1), final[name].flatten(1)
        assert torch.allclose(theirs.norm(dim=1), ours.norm(dim=1), rtol=1e-5)
        assert torch.nn.functional.cosine_similarity(theirs, ours).abs().mean() < 0.5


def test_closed_forms_stay_near_the_sources_filters(tmp_path):
    base, final, frozen = controlled(tmp_path, "closed_forms")
    for name in frozen:
        theirs, ours = base[name].flatten(1), final[name].flatten(1)
        assert torch.allclose(theirs.mean(dim=1), ours.mean(dim=1), atol=1e-6)
        assert 0.1 < torch.nn.functional.cosine_similarity(theirs, ours).mean() < 1


def test_eight_patterns_of_other_networks_stand_for_the_sources_filters(tmp_path):
    own, other, source = training_job(tmp_path), training_job(tmp_path, "dots", 1), training_job(tmp_path, "waves", 1)
    settings = own.settings | {"transfer": {"layers": "depthwise", "control": "universal"}}
    job = Job("transfer", "stripes--waves", settings, own.inputs | {"source": source, "pattern_source_dots": other})
    for network in (source, other):
        train(network.description, tmp_path, threads=1)
    transfer(job.description, tmp_path, threads=1)
    base, theirs, final = (load_file(tmp_path / one.folder / WEIGHTS) for one in (source, other, job))
    frozen = artifacts.read(tmp_path, job.folder).facts["frozen"]
    assert set(frozen) == {f"{layer}.weight" for layer in depthwise_layers(start())}
    others = np.concatenate([theirs[name].flatten(1).numpy() for name in frozen])
    units = patterns.units(others)
    shapes = torch.from_numpy(patterns.fit(units, np.ones(len(units)), 8))
    for name in frozen:
        for before, after in zip(base[name], final[name], strict=True):
            assert torch.equal(after, nearest(before, shapes))


def test_too_few_filters_for_eight_patterns_are_named():
    small = {**MODEL, "dims": [4, 1, 1, 1], "depths": [1, 1, 1, 1]}
    settings = Transfer(control="universal")
    with pytest.raises(KeyfiltersError, match=r"control universal: 4 filters of 7x7 .* too few for 8 patterns"):
        copy_filters(End("the source", start()), End("the target", start()), settings, 0, [End("other", start(small))])


def test_permuted_taps_are_the_sources_values_in_another_order(tmp_path):
    base, final, frozen = controlled(tmp_path, "permuted")
    for name in frozen:
        theirs, ours = base[name].flatten(1), final[name].flatten(1)
        assert torch.equal(theirs.sort(dim=1).values, ours.sort(dim=1).values)
        assert not torch.equal(theirs, ours)


def test_controls_are_drawn_by_the_seed(tmp_path):
    filters = [controlled(tmp_path / str(n), "norms")[1]["stages.0.blocks.0.conv_dw.weight"] for n in (1, 2)]
    assert torch.equal(*filters)
