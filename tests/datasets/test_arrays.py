"""Writing row by row gives the file that safetensors itself writes."""

import numpy as np
from safetensors.numpy import load_file, save_file

from keyfilters.datasets.arrays import Rows, save
from tests.helpers.tiny_files import noise


def test_the_file_is_safetensors_own(tmp_path):
    arrays = {
        "train_images": noise(1, (5, 3, 3, 3)),
        "train_labels": np.arange(5),
        "test_images": noise(2, (2, 3, 3, 3)),
        "test_labels": np.array([4, 2]),
    }
    save_file(arrays, tmp_path / "theirs")
    save({name: Rows(a.dtype.type, a.shape[1:], list(a)) for name, a in arrays.items()}, tmp_path / "ours")
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    assert np.array_equal(load_file(tmp_path / "ours")["test_labels"], [4, 2])
