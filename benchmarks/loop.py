"""Images/s of the training loop and of timm's train.py: same model, images, batch and threads."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import drawn_images
from benchmarks.report import LARGEST, Report, Sample, installed, mini, output_of, settings
from keyfilters.store.identity import Job
from keyfilters.study import jobs

IMAGES, TEST_IMAGES = 2048, 64
EPOCHS = 4  # the first one, in which everything warms up, is not counted


@dataclass(frozen=True)
class Rival:
    """One way to call timm's train.py, and how many times as fast as that our loop has to be."""

    name: str
    flags: str
    to_reach: float
    linear: bool = True  # pointwise layers as Linear (conv_mlp=False) as in the study, or in timm's own form


BEST = "--channels-last --workers 0 --opt-kwargs fused=True"
RIVALS = (
    Rival("timm, its defaults", "", 2.5, linear=False),
    Rival(
        "timm, best flags, crop and flip",
        f"{BEST} --scale 1 1 --ratio 1 1 --color-jitter 0 --train-interpolation bilinear",
        1.7,
    ),
    Rival("timm, best flags, no augmentation", f"{BEST} --no-aug", 1.7),
    Rival("timm, the same, compiled", f"{BEST} --no-aug --torchcompile", 1.0),
)

NOTES = (
    f"One thread on one core, to which each contestant is pinned with all its processes. A run trains {EPOCHS} epochs "
    f"of {IMAGES} images; its rate is that of the last {EPOCHS - 1}, by its own log: with loading, without "
    "start-up, tests and checkpoints. Contestants take turns, a ratio compares two runs of one round. All of them "
    "compute in float32; timm decodes PNG files, ours reads a prepared set, and augments by shift and flip.",
)
NO_TIMM = (
    "timm's train.py: not run, for timm's wheel does not carry it. Clone the tag v1.0.31 of "
    "huggingface/pytorch-image-models from GitHub and set TIMM_TRAIN to the train.py at its root."
)
NO_COMPILER = "The compiled one needs g++ and was left out."


def report(rounds: int) -> Report:
    """Our loop, our loop with frozen filters and, if TIMM_TRAIN says where its script is, timm's."""
    timm_train = os.environ.get("TIMM_TRAIN")
    compiler = shutil.which("g++")
    rivals = [rival for rival in RIVALS if timm_train and (compiler or "--torchcompile" not in rival.flags)]
    measured: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, _pinned_to_one_core():
        runs = _runs(Path(folder), timm_train, rivals)
        for number in range(1, rounds + 1):
            for name, run in runs.items():
                print(f"round {number} of {rounds}: {name}", file=sys.stderr, flush=True)
                measured.setdefault(name, []).append(run())
    rates = {name: Sample(tuple(values)) for name, values in measured.items()}
    ratios = {
        rival.name: Sample(tuple(a / b for a, b in zip(measured["ours"], measured[rival.name], strict=True)))
        for rival in rivals
    }
    rows = {name: {"": name, "images/s": rate.text(",.0f"), "n": rounds} for name, rate in rates.items()}
    for rival in rivals:
        rows[rival.name] |= {"ours : timm": ratios[rival.name].text(".2f"), "to reach": f"{rival.to_reach:g}"}
    form = {True: "conv_mlp as in the study", False: "conv_mlp as is timm's default"}
    notes = [*NOTES, *(f"{rival.name}: {rival.flags or 'no flag'}; {form[rival.linear]}." for rival in rivals)]
    if not timm_train:
        notes.append(NO_TIMM)
    elif not compiler:
        notes.append(NO_COMPILER)
    numbers = {
        "images_per_second": {name: rate.numbers for name, rate in rates.items()},
        "ours_to_timm": {name: ratio.numbers for name, ratio in ratios.items()},
    }
    return Report("Training loop", list(rows.values()), notes, numbers)


def _runs(folder: Path, timm_train: str | None, rivals: list[Rival]) -> dict[str, Callable[[], float]]:
    """Every contestant by name: a call is one run, in a process of its own, and gives its images/s."""
    study, root = mini(), folder / "artifacts"
    images = drawn_images.draw(IMAGES + TEST_IMAGES, study.image_size)
    train, test = images[:IMAGES], images[IMAGES:]
    inputs = {"dataset": drawn_images.prepared(root, train, test)}
    base = Job("train", "base", settings(jobs.train(study, LARGEST, seed=0), EPOCHS), inputs)
    choices = settings(jobs.transfer(study, LARGEST, LARGEST, seed=0), EPOCHS)
    transfer = Job("transfer", "transfer", choices, {**inputs, "source": base})
    # What is compiled in the first round is found again in the others.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled")}

    def ours(job: Job) -> float:
        shutil.rmtree(root / job.folder, ignore_errors=True)  # one that is there is not made again
        command = [installed("keyfilters"), job.stage, job.as_json, str(root), "--threads", "1"]
        return rate_of_ours(output_of(command, environment))

    def timm(rival: Rival) -> float:
        # The script is timm's own; torchvision needs its operators declared beside a torch without CUDA.
        start = (
            "import keyfilters.models.torchvision_ops, runpy, sys; sys.argv = sys.argv[1:]; "
            "runpy.run_path(sys.argv[0], run_name='__main__')"
        )
        flags = _flags(rival, base.settings, study.image_size, folder)
        return rate_of_timm(output_of([sys.executable, "-c", start, str(timm_train), *flags], environment, folder))

    if rivals:
        drawn_images.write_folders(folder / "images/train", train)
        drawn_images.write_folders(folder / "images/validation", test)
    return {
        "ours": lambda: ours(base),
        "ours, depthwise filters frozen": lambda: ours(transfer),
        **{rival.name: lambda rival=rival: timm(rival) for rival in rivals},
    }


def _flags(rival: Rival, of_ours: Mapping[str, Any], size: int, folder: Path) -> list[str]:
    """All arguments of train.py: what the rivals share, by the settings `of_ours`, then its own."""
    training, model = of_ours["training"], dict(of_ours["model"])
    architecture = model.pop("architecture")
    if not rival.linear:
        model.pop("conv_mlp", None)
    shared = {
        "--data-dir": folder / "images",
        "--output": folder / "timm",
        "--device": "cpu",
        "--model": architecture,
        "--num-classes": drawn_images.CLASSES,
        "--batch-size": training["batch_size"],
        "--opt": "adamw",
        "--lr": training["learning_rate"],
        "--weight-decay": training["weight_decay"],
        "--smoothing": training["label_smoothing"],
        "--epochs": EPOCHS,
        "--warmup-epochs": 1,
        "--log-interval": IMAGES // training["batch_size"] - 1,  # the first and the last step of an epoch
    }
    return [
        *(str(part) for flag in shared.items() for part in flag),
        *("--input-size", "3", str(size), str(size)),
        *("--model-kwargs", *(f"{key}={value}" for key, value in model.items())),
        *rival.flags.split(),
    ]


def rate_of_ours(log: str) -> float:
    """Images/s after the first epoch, from a log whose rates are means since the start."""
    rates = [float(rate.replace(",", "")) for rate in re.findall(r"epoch \d+/\d+, .*?([\d,]+) images/s", log)]
    seconds = [number * IMAGES / rate for number, rate in enumerate(rates, start=1)]
    if len(seconds) != EPOCHS:
        raise RuntimeError(f"the log has no images/s for each of {EPOCHS} epochs:\n{log}")
    return (EPOCHS - 1) * IMAGES / (seconds[-1] - seconds[0])


def rate_of_timm(log: str) -> float:
    """Images/s after the first epoch, from the mean in brackets that ends each epoch's last line."""
    rates = dict(re.findall(r"Train: (\d+) \[.*?\( *[\d.]+s, *([\d.]+)/s\)", log))
    if len(rates) != EPOCHS:
        raise RuntimeError(f"the log has no images/s for each of {EPOCHS} epochs:\n{log}")
    return (EPOCHS - 1) / sum(1 / float(rate) for epoch, rate in rates.items() if epoch != "0")


@contextmanager
def _pinned_to_one_core() -> Iterator[None]:
    """Keep this process and those that it starts on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
