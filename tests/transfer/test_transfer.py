"""A transfer job: frozen filters stay as they came, bit for bit; everything else moves."""

import pytest
import torch
from safetensors.torch import load_file

from keyfilters.config.transfer import Transfer
from keyfilters.models.build import build
from keyfilters.models.convolutions import depthwise_layers
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.training.train import train
from keyfilters.training.weights import WEIGHTS
from keyfilters.transfer.copying import End, copy_filters
from keyfilters.transfer.transfer import SEED_OFFSET, transfer
from tests.helpers.tiny_jobs import MODEL, training_job

HORNET = {"architecture": "hornet_tiny", "depths": [1, 1, 1, 1], "base_dim": 8, "patch_size": 2}
RESNET = {"architecture": "resnet50", "layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16]}
PLAIN = {"architecture": "yosinski8", "width": 1 / 16, "patch_size": 1, "map_size": 3}


def trained(root, choices, model=MODEL, source_model=MODEL, source="waves"):
    """Weights of the base model and of the network that took its filters, and the facts of the latter."""
    base, own = training_job(root, source), training_job(root)
    base = Job(base.stage, base.name, base.settings | {"model": source_model}, base.inputs)
    settings = own.settings | {"model": model, "transfer": choices}
    job = Job("transfer", f"stripes--{source}", settings, own.inputs | {"source": base})
    train(base.description, root, threads=1)
    transfer(job.description, root, threads=1)
    weights = [load_file(root / folder / WEIGHTS) for folder in (base.folder, job.folder)]
    return *weights, artifacts.read(root, job.folder).facts


def start(model=MODEL):
    torch.manual_seed(SEED_OFFSET)
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
    for name, before in network.state_dict().items():
        assert torch.equal(final[name], before) == (name in facts["frozen"]), name


def test_a_selffer_does_not_start_at_its_base_models_weights():
    torch.manual_seed(0)
    base = build(MODEL, classes=3)
    assert not torch.equal(base.head.fc.weight, start().head.fc.weight)
