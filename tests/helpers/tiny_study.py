"""A tiny study of three sets that a test runs through Snakemake, from images to tables."""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

PROJECT = Path(__file__).parents[2]
PARTS = ("Snakefile", "rules", "profiles", "envs")
SETS = ("dots", "stripes", "waves")


def images(path: Path, seed: int) -> str:
    """A tar of class folders with images of two classes, noise by the seed; returns its SHA-256."""
    noise = np.random.default_rng(seed)
    with tarfile.open(path, "w") as tar:
        for label, period in (("fine", 2), ("coarse", 8)):
            for number in range(20 + 4 * seed):
                wave = np.arange(32)[:, None, None] // period % 2 * 150
                pixels = (wave + noise.integers(0, 100, (32, 32, 3))).astype(np.uint8)
                data = io.BytesIO()
                Image.fromarray(pixels).save(data, "PNG")
                member = tarfile.TarInfo(f"{path.stem}/{label}/{number:03}.png")
                member.size = data.tell()
                data.seek(0)
                tar.addfile(member, data)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def configuration(folder: Path) -> dict:
    """The tiny study, its archives written into `folder`."""
    datasets = {
        name: {
            "source": "archive",
            "path": f"{name}.tar",
            "sha256": images(folder / f"{name}.tar", seed),
        }
        for seed, name in enumerate(SETS)
    }
    study = {
        "image_size": 32,
        "seeds": [0],
        "model": {"architecture": "convnext_femto", "dims": [8, 8, 8, 8], "patch_size": 2, "conv_mlp": False},
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.01},
        "models": {},
        "training_of": {},
        "transfer": {},
        "lowres": {},
        "datasets": datasets,
        "tables": {"table7": {}, "table2": {"targets": ["dots", "stripes"]}},
        "zoo": {},
        "analysis": {},
    }
    return {"study": "tiny", "cache": None, "studies": {"tiny": study}}


class Study:
    """A project folder with the tiny study in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / "results/tiny"
        self.artifacts = folder / "artifacts/tiny"

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True)

    def build(self, *targets: str) -> str:
        """Run Snakemake, which must succeed; returns what it printed."""
        done = self.snakemake(*targets)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def plan(self, *targets: str) -> dict[str, int]:
        """Number of planned jobs by rule, from a dry run; `all` is not counted."""
        printed = self.build("--dry-run", *targets)
        stats = re.search(r"job +count\n-+ +-+\n(.*?)\ntotal", printed, re.S)
        if stats is None:
            assert "Nothing to be done" in printed
            return {}
        counts = dict(line.split() for line in stats[1].splitlines())
        return {rule: int(count) for rule, count in counts.items() if rule != "all"}

    def configure(self, change) -> None:
        """Rewrite config.yaml after `change(study)`."""
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text())
        change(config["studies"]["tiny"])
        path.write_text(yaml.safe_dump(config))

    def forget_times(self, seed: int) -> None:
        """As after a clone and a pull: no `.snakemake`, every file of an arbitrary age."""
        shutil.rmtree(self.folder / ".snakemake", ignore_errors=True)
        order = random.Random(seed)
        for path in sorted(self.folder.rglob("*")):
            age = order.randint(1_000_000_000, 1_700_000_000)
            os.utime(path, (age, age))

    def files(self) -> dict[str, bytes]:
        """Everything below results, by relative path."""
        return {
            str(path.relative_to(self.results)): path.read_bytes()
            for path in sorted(self.results.rglob("*"))
            if path.is_file()
        }
