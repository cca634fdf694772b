"""A hundred million filters need no more memory than a million."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
from drawn_filters import draw

ROWS = 100_000_000
SCRIPT = Path(__file__).with_name("hundred_million.py")


def test_a_hundred_million_filters_stay_below_a_gibibyte_and_a_half(tmp_path):
    path, drawn = tmp_path / "dataset.h5", draw(50_000).reshape(-1, 3, 3)
    with h5py.File(path, "w") as file:  # what is not written takes no room on the disk
        filters = file.create_dataset("filters", (ROWS, 3, 3), np.float32)
        filters[: len(drawn)] = drawn
        filters[-20_000:] = drawn[:20_000]
    assert path.stat().st_size > ROWS * 36 > 100 * path.stat().st_blocks * 512
    done = subprocess.run([sys.executable, SCRIPT, path, "filters"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["moments"] == ROWS
    assert found["counted"] == [ROWS] * 9
    assert found["outside"] == 0
    assert found["peak"] < 1.5 * 2**30
    assert found["drift"][0][1] == found["drift"][1][0] > 0
