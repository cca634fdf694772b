"""A hundred million filters need no more memory than a million."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from tests.helpers.drawn_filters import draw

ROWS, LAYERS, NETWORKS = 100_000_000, 40, 4
SCRIPT = Path(__file__).with_name("hundred_million.py")


def write(path: Path) -> None:
    """A file of CNN Filter DB's form; most of its filters are never written, are zero and take no room on the disk."""
    drawn, per_layer = draw(40_000).reshape(-1, 3, 3), ROWS // LAYERS
    layer = np.arange(LAYERS)
    meta = pd.DataFrame(
        {
            "model_id": layer * NETWORKS // LAYERS,
            "conv_depth": layer % (LAYERS // NETWORKS),
            "conv_depth_norm": 0.5,
            "layer_id": layer,
            "filter_ids": [f"{start}:{start + per_layer - 1}" for start in layer * per_layer],
        }
    )
    with h5py.File(path, "w") as file:
        filters = file.create_dataset("filters", (ROWS, 3, 3), np.float32)
        filters[: len(drawn)] = drawn
        filters[-len(drawn) // 2 :] = drawn[: len(drawn) // 2]
        file["meta"] = np.frombuffer(meta.to_csv(index=False).encode(), np.uint8)


def test_a_hundred_million_filters_stay_below_a_gibibyte_and_a_half(tmp_path):
    path = tmp_path / "dataset.h5"
    write(path)
    assert path.stat().st_size > ROWS * 36 > 100 * path.stat().st_blocks * 512
    done = subprocess.run([sys.executable, SCRIPT, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert output["moments"] == ROWS
    assert output["counted"] == [ROWS] * 9
    assert (output["outside"], output["sparsest"]) == (0, 1)
    assert output["peak"] < 1.5 * 2**30
    drift = np.array(output["drift"])
    assert drift.shape == (NETWORKS, NETWORKS)
    assert drift[1, 2] == 0  # zeros throughout
    assert drift[0, 1] == drift[1, 0] > 0
