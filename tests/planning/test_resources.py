"""Limits grow with what a study asks for, and cover what was measured."""

import pytest

from keyfilters.planning import resources
from keyfilters.store import artifacts
from keyfilters.study import jobs
from keyfilters.study.study import check
from tests.helpers.stubs import configuration


def training(tmp_path, images=None, **changes):
    """A training on a set of that many images, the study changed."""
    config = configuration(1, 1)
    study = config["studies"]["tiny"]
    for key, value in changes.items():
        study[key] = study[key] | value if isinstance(value, dict) else value
    job = jobs.train(check(config).current, "set00", 0)
    if images:
        with artifacts.write(tmp_path, job.inputs["dataset"].description) as draft:
            draft.facts.update(train=images, test=0)
    return job


@pytest.mark.parametrize("gpu", [False, True])
def test_time_and_memory_grow_with_size_epochs_and_images(tmp_path, gpu):
    base = training(tmp_path / "a", 10_000)
    for number, job in enumerate(
        [
            training(tmp_path / "b", 10_000, image_size=128),
            training(tmp_path / "c", 40_000),
            training(tmp_path / "d", 10_000, training={"epochs": 20}),
            training(tmp_path / "e", 10_000, model={"architecture": "convnext_large"}),
        ]
    ):
        root = tmp_path / "bcde"[number]
        assert resources.training_seconds(job, root, gpu) > resources.training_seconds(base, tmp_path / "a", gpu)
        assert resources.runtime(job, root, gpu) >= resources.runtime(base, tmp_path / "a", gpu)
    assert resources.memory_mb(training(tmp_path / "c"), tmp_path / "c", gpu) - resources.BASE_MB[gpu] >= 2 * 122


@pytest.mark.parametrize(
    ("model", "epochs", "images", "seconds"),
    [  # measured with the mini study, 32 px, batches of 64, one core of an EPYC that others used too
        ({"architecture": "convnext_femto", "dims": [16, 32, 64, 128]}, 12, 3001, 23),
        ({"architecture": "convnext_large", "dims": [24, 48, 96, 192]}, 4, 10_000, 287),
        ({"architecture": "hornet_tiny", "base_dim": 8}, 4, 10_000, 185),
        ({"architecture": "hornet_large", "base_dim": 16}, 4, 10_000, 180),
        ({"architecture": "resnet50", "channels": [8, 16, 32, 64]}, 6, 9000, 32),
    ],
)
def test_limits_are_generous_for_what_was_measured(tmp_path, model, epochs, images, seconds):
    job = training(tmp_path, images, model=model, training={"epochs": epochs, "batch_size": 64})
    assert resources.runtime(job, tmp_path, gpu=False) * 60 > 3 * seconds
    assert resources.runtime(job, tmp_path, gpu=False) * 60 < 100 * seconds + 1200


def test_a_limit_is_never_longer_than_a_day(tmp_path):
    job = training(tmp_path, 1_281_167, image_size=224, training={"epochs": 300})
    assert resources.runtime(job, tmp_path, gpu=True) == resources.LONGEST == 1440


def test_a_set_that_is_not_prepared_counts_as_large(tmp_path):
    job = training(tmp_path)
    assert resources.image_count(job.inputs["dataset"], tmp_path) == resources.UNKNOWN_COUNT
    assert not resources.is_small(job, tmp_path, gpu=True)


def test_small_trainings_are_known_when_their_set_is(tmp_path):
    assert resources.is_small(training(tmp_path, 500), tmp_path, gpu=False)
    assert not resources.is_small(
        training(tmp_path / "large", 100_000, training={"epochs": 50}), tmp_path / "large", gpu=False
    )


def test_a_narrow_or_shallow_network_is_faster_in_proportion():
    full = resources.speed({"architecture": "convnext_femto"}, 64)
    assert resources.speed({"architecture": "convnext_femto", "dims": [24, 48, 96, 192]}, 64) == pytest.approx(4 * full)
    assert resources.speed({"architecture": "convnext_femto", "depths": [1, 1, 3, 1]}, 64) == pytest.approx(2 * full)
    assert resources.speed({"architecture": "convnext_femto", "patch_size": 1}, 64) == pytest.approx(full / 16)


def test_a_convnexts_patch_of_two_is_as_fast_as_one_of_four():
    """timm halves once more behind it: the maps of every stage are the same."""
    full = resources.speed({"architecture": "convnext_femto"}, 64)
    assert resources.speed({"architecture": "convnext_femto", "patch_size": 2}, 64) == pytest.approx(full)
