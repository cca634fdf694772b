"""Transfer: frozen filters stay as they were, bit for bit; everything else moves."""

import pytest
import torch
from conftest import MODEL, training_job
from safetensors.torch import load_file

from keyfilters import artifacts
from keyfilters.errors import KeyfiltersError
from keyfilters.jobs import Job
from keyfilters.models.build import build
from keyfilters.models.convolutions import depthwise_layers
from keyfilters.training.train import WEIGHTS, train
from keyfilters.transfer import SEED_OFFSET, copy_depthwise, transfer


def transferred(root, target="stripes", source="waves", bias="trained"):
    base = training_job(root, source)
    train(base.description, root, threads=1)
    own = training_job(root, target)
    settings = own.settings | {"transfer": {"layers": "depthwise", "bias": bias}}
    inputs = own.inputs | {"source": base}
    job = Job("transfer", f"{target}--{source}-seed0", settings, inputs)
    transfer(job.description, root, threads=1)
    return (
        load_file(root / base.folder / WEIGHTS),
        load_file(root / job.folder / WEIGHTS),
        artifacts.read(root, job.folder).facts,
    )


@pytest.mark.parametrize("bias", ["trained", "copied"])
@pytest.mark.parametrize("source", ["waves", "stripes"])
def test_frozen_weights_are_bit_equal_and_all_others_move(tmp_path, source, bias):
    base, final, facts = transferred(tmp_path, source=source, bias=bias)
    kinds = ("weight",) if bias == "trained" else ("weight", "bias")
    torch.manual_seed(SEED_OFFSET)
    network = build(MODEL, classes=3)
    frozen = {f"{layer}.{kind}" for layer in depthwise_layers(network) for kind in kinds}
    assert len(frozen) == 12 * len(kinds)
    assert set(facts["frozen"]) == frozen
    assert facts["source"]["name"] == source
    for name, start in network.state_dict().items():
        if name in frozen:
            assert torch.equal(final[name], base[name]), name
        else:
            assert not torch.equal(final[name], start), f"{name} did not move"


def test_a_selffer_does_not_start_at_its_base_models_weights(tmp_path):
    base = build_at(seed=0)
    target = build_at(seed=SEED_OFFSET)
    assert not torch.equal(base.head.fc.weight, target.head.fc.weight)


def build_at(seed):
    torch.manual_seed(seed)
    return build(MODEL, classes=3)


def test_a_source_of_another_width_names_both_shapes():
    source = build(MODEL | {"dims": [16, 16, 16, 16]}, classes=3).state_dict()
    with pytest.raises(KeyfiltersError, match=r"shape \(8, 1, 7, 7\) in the target, shape \(16, 1, 7, 7\) in the"):
        copy_depthwise(source, build(MODEL, classes=3), copy_bias=False)


def test_a_source_with_fewer_layers_is_named():
    source = build(MODEL | {"depths": [2, 2, 5, 2]}, classes=3).state_dict()
    with pytest.raises(KeyfiltersError, match=r"stages\.2\.blocks\.5\.conv_dw\.weight .* no such layer in the source"):
        copy_depthwise(source, build(MODEL, classes=3), copy_bias=False)


def test_a_target_without_depthwise_layers_is_refused():
    with pytest.raises(KeyfiltersError, match="no depthwise layers"):
        copy_depthwise({}, torch.nn.Conv2d(1, 4, 3), copy_bias=False)
