"""Images to train on, the same ones as a prepared set and as folders of PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from keyfilters.store import artifacts
from keyfilters.store.identity import Job

CLASSES = 10


def draw(count: int, size: int) -> np.ndarray:
    """uint8 `[count, size, size, 3]`: smooth colours with some noise, which compress as photographs do."""
    random = np.random.default_rng(count)
    smooth = random.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    large = [np.asarray(Image.fromarray(image).resize((size, size), Image.BICUBIC)) for image in smooth]
    noise = random.integers(-12, 13, (count, size, size, 3))
    return np.clip(np.stack(large) + noise, 0, 255).astype(np.uint8)


def write_folders(folder: Path, images: np.ndarray) -> None:
    """The images as `<folder>/class<label>/<number>.png`, the form that timm reads."""
    for number, (label, image) in enumerate(zip(_labels(images), images, strict=True)):
        path = folder / f"class{label}" / f"{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def prepared(root: Path, train: np.ndarray, test: np.ndarray) -> Job:
    """A `prepare` job whose artifact lies below `root` and holds these images."""
    job = Job("prepare", "images", {"train": len(train), "test": len(test)})
    with artifacts.write(root, job.description) as draft:
        arrays = {"train_images": train, "train_labels": _labels(train)}
        arrays |= {"test_images": test, "test_labels": _labels(test)}
        save_file(arrays, draft.path / "arrays.safetensors")
        draft.facts.update(
            name="images",
            title="Images",
            classes=[f"class{label}" for label in range(CLASSES)],
            train=len(train),
            test=len(test),
            mean=(train.mean((0, 1, 2)) / 255).tolist(),
            std=(train.std((0, 1, 2)) / 255).tolist(),
        )
    return job


def _labels(images: np.ndarray) -> np.ndarray:
    """int64 `[N]`: the classes in turn."""
    return np.arange(len(images), dtype=np.int64) % CLASSES
