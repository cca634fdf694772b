"""Images/s of the training loop by precision, memory format and compilation; on a GPU, also of jobs that share it."""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import torch

from benchmarks import drawn_images
from benchmarks.report import Report, Sample
from keyfilters.config.training import Augmentation, Training
from keyfilters.datasets.batches import Normalise, Split
from keyfilters.models.build import build
from keyfilters.running.meter import Meter
from keyfilters.running.progress import Progress
from keyfilters.training import loop
from keyfilters.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class Size:
    """What is trained: images of `size` px in batches, `counted` epochs after one in which all warms up."""

    size: int
    images: int
    batch: int
    counted: int
    model: dict


ON_GPU = Size(64, 10_000, 256, 4, {"architecture": "convnext_femto", "patch_size": 2, "conv_mlp": False})
ON_CPU = Size(32, 128, 32, 1, {**ON_GPU.model, "depths": [1, 1, 1, 1], "dims": [8, 8, 8, 8]})
SHARING = (1, 2, 4, 8)  # jobs on one GPU, each in a process of its own
NO_GPU = (
    "No GPU here: measured on the CPU, with few small images and a small network, which says nothing about a GPU. "
    "Compiled, and jobs that share a GPU: not run."
)


@dataclass(frozen=True)
class Way:
    """One way to compute the same training."""

    precision: str
    channels_last: bool
    compiled: bool

    @property
    def name(self) -> str:
        layout = "channels_last" if self.channels_last else "NCHW"
        return f"{self.precision}, {layout}, {'compiled' if self.compiled else 'eager'}"


class Clock(Progress):
    """Notes when each epoch ends and prints nothing."""

    due = False

    def tell(self, loss: float, accuracy: float) -> None:
        self.ends = [*getattr(self, "ends", ()), time.perf_counter()]


def report(rounds: int) -> Report:
    """Images/s of every way to compute, and on a GPU of the number of jobs that share it."""
    on_gpu = torch.cuda.is_available()
    size = ON_GPU if on_gpu else ON_CPU
    ways = [
        Way(*choice) for choice in product(("float32", "bf16"), (False, True), (False, True) if on_gpu else (False,))
    ]
    samples = {way: Sample(tuple(_announced(way.name, rate(way, size)) for _ in range(rounds))) for way in ways}
    rows = [{"": way.name, "images/s": sample.text(",.0f"), "n": rounds} for way, sample in samples.items()]
    numbers = {way.name: sample.numbers for way, sample in samples.items()}
    if on_gpu:
        best = max((way for way in ways if not way.compiled), key=lambda way: samples[way].numbers["median"])
        for jobs in SHARING:
            name = f"{best.name}, {jobs} jobs on one GPU together"
            sample = Sample(tuple(_announced(name, rate_together(best, size, jobs)) for _ in range(rounds)))
            rows.append({"": name, "images/s": sample.text(",.0f"), "n": rounds})
            numbers[name] = sample.numbers
    device = torch.cuda.get_device_name() if on_gpu else "CPU"
    notes = [
        f"{device}: {size.model['architecture']}, {size.size} px, batches of {size.batch}, {size.counted} epochs of "
        f"{size.images} images after one that is not counted. Images and augmentation are on the device."
    ]
    return Report(
        "Training loop by precision and layout",
        rows,
        notes if on_gpu else [*notes, NO_GPU],
        {"device": device, "images_per_second": numbers},
    )


def rate(way: Way, size: Size) -> float:
    """Images/s of one training."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    torch._dynamo.reset()  # what one way compiled must not serve another
    network = build(size.model, drawn_images.CLASSES).to(device)
    if way.channels_last:
        network = network.to(memory_format=torch.channels_last)
    if way.compiled:
        network.compile()
    images = torch.from_numpy(drawn_images.draw(size.images, size.size)).to(device)
    train = Split(images, torch.arange(size.images, device=device) % drawn_images.CLASSES)
    normalise = Normalise([0.5] * 3, [0.25] * 3, device)
    recipe = Training(
        epochs=1 + size.counted,
        batch_size=size.batch,
        learning_rate=1e-3,
        augmentation=Augmentation(flip=True, shift=4),
        precision=way.precision,
    )
    clock = Clock(way.name, recipe.epochs, size.images)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder) / "checkpoint", Path(folder), Meter())
        loop.fit(
            network,
            train,
            normalise if way.channels_last else lambda images: normalise(images).contiguous(),
            recipe,
            torch.Generator(device).manual_seed(0),
            clock,
            checkpoint,
            callbacks={},
        )
    return size.counted * size.images / (clock.ends[-1] - clock.ends[0])


def rate_together(way: Way, size: Size, jobs: int) -> float:
    """Images/s of so many trainings at once on one GPU, added up."""
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        return sum(pool.map(rate, [way] * jobs, [size] * jobs))


def _announced(name: str, value: float) -> float:
    print(f"{name}: {value:,.0f} images/s", file=sys.stderr, flush=True)
    return value
