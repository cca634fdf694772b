"""What enters git: code, settings, locks, small tables and figures; never weights, stores or data sets."""

import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
LIMIT = 1_000_000
DATA = (
    *(".safetensors", ".onnx", ".pt", ".pth", ".ckpt", ".bin", ".pkl"),
    *(".npy", ".npz", ".h5", ".hdf5", ".parquet", ".arrow"),
    *(".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".zip", ".7z"),
)


def refused(sizes: dict[str, int]) -> list[str]:
    """Paths that do not belong into git, from bytes by path.

    Below results/, tables and figures may be large, and Parquet is a table.
    """
    return [
        path
        for path, size in sizes.items()
        if (path.lower().endswith(DATA) and not (path.startswith("results/") and path.endswith(".parquet")))
        or (size > LIMIT and not path.startswith("results/"))
    ]


def test_git_tracks_no_data():
    if not (PROJECT / ".git").exists():
        pytest.skip("no git checkout")
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=PROJECT, text=True).split("\0")
    sizes = {path: (PROJECT / path).stat().st_size for path in listed if (PROJECT / path).is_file()}
    assert "pyproject.toml" in sizes
    assert refused(sizes) == []


def test_what_is_refused():
    sizes = {
        "src/keyfilters/jobs.py": 9_000,
        "results/mini/tables/table2.png": 2 * LIMIT,
        "results/mini/filters/layers.parquet": 100,
        "docs/image.png": 2 * LIMIT,
        "data/layers.parquet": 100,
        "model.safetensors": 100,
        "results/mini/Store.ONNX": 100,
        "data/faces.tar.gz": 100,
    }
    assert refused(sizes) == [
        "docs/image.png",
        "data/layers.parquet",
        "model.safetensors",
        "results/mini/Store.ONNX",
        "data/faces.tar.gz",
    ]
