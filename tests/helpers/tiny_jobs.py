"""Small prepared sets and trainings on them, which several tests use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from keyfilters.store import artifacts
from keyfilters.store.identity import Job

MODEL = {"architecture": "convnext_femto", "dims": [8, 8, 16, 16], "patch_size": 2, "conv_mlp": False}
TRAINING = {
    "epochs": 2,
    "batch_size": 8,
    "learning_rate": 0.01,
    "weight_decay": 0.05,
    "warmup_epochs": 1,
    "label_smoothing": 0.1,
    "augmentation": {"shift": 2, "flip": True},
}


def stripes(name: str, train: int = 24, test: int = 9, classes: int = 3) -> dict[str, np.ndarray]:
    """Images of noisy stripes whose width is the class, uint8 `[N, 32, 32, 3]`, and their labels."""
    random = np.random.default_rng(sum(name.encode()))
    arrays = {}
    for split, count in (("train", train), ("test", test)):
        labels = np.arange(count, dtype=np.int64) % classes
        phase = np.arange(32)[None, :] // (2 << labels)[:, None] % 2 * 160
        images = phase[:, None, :, None] + random.integers(0, 90, (count, 32, 32, 3))
        arrays |= {f"{split}_images": images.astype(np.uint8), f"{split}_labels": labels}
    return arrays


def prepared_job(root: Path, name: str) -> Job:
    """A `prepare` job whose artifact of stripes lies below `root`."""
    job = Job("prepare", name, {"set": name})
    arrays = stripes(name)
    with artifacts.write(root, job.description) as draft:
        save_file(arrays, draft.path / "arrays.safetensors")
        pixels = arrays["train_images"] / 255
        draft.facts.update(
            name=name,
            title=name.title(),
            domain="noise",
            classes=["narrow", "middle", "wide"],
            train=len(arrays["train_labels"]),
            test=len(arrays["test_labels"]),
            mean=pixels.mean((0, 1, 2)).tolist(),
            std=pixels.std((0, 1, 2)).tolist(),
        )
    return job


def training_job(root: Path, dataset: str = "stripes", seed: int = 0, **training) -> Job:
    """A `train` job on a set of stripes that lies below `root`."""
    settings = {"model": MODEL, "training": TRAINING | training, "seed": seed}
    return Job("train", f"{dataset}-seed{seed}", settings, {"dataset": prepared_job(root, dataset)})
