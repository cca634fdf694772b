"""Which test images are right survives the packing, and the accuracy is their share."""

import numpy as np
import pytest

from keyfilters.store import artifacts
from keyfilters.training.testing import facts_of_test, unpacked
from keyfilters.training.train import train
from tests.helpers.tiny_jobs import training_job


@pytest.mark.parametrize("images", [1, 7, 8, 1001])
def test_packed_results_are_read_back(images):
    correct = np.random.default_rng(images).random(images) < 0.7
    facts = facts_of_test(correct)
    assert np.array_equal(unpacked(facts["correct"], images), correct)
    assert facts["accuracy"] == correct.mean()


def test_a_training_says_which_test_images_are_right(tmp_path):
    job = training_job(tmp_path)
    train(job.description, tmp_path, threads=1)
    facts = artifacts.read(tmp_path, job.folder).facts
    assert unpacked(facts["correct"], facts["dataset"]["test"]).mean() == facts["accuracy"]
