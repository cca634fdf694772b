"""`keyfilters plan`: what a study will cost, table by table, before any image is there.

An estimate. Images are those of the prepared set where there is one, else the published counts, of which a part of
the classes has its share. Images/s are those published for a network on one GPU; others are scaled from them by their
multiply-accumulate operations, which go with the square of the maps' size. That flatters small images, whose steps
are too short to keep a GPU busy, and counts neither tests nor augmentation.

Beside the cost stand the maps that the networks' layers read, and a warning where these are too small for kernels.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from tabulate import tabulate

from keyfilters.errors import KeyfiltersError
from keyfilters.models.registry import SPEED_SOURCE, architecture, readings
from keyfilters.planning import reach
from keyfilters.store import artifacts, identity
from keyfilters.store.identity import Job
from keyfilters.study import jobs
from keyfilters.study.study import Study

NATIVE_SIZE = 224  # of the published operations and images/s
REFERENCE = "convnext_tiny"  # for networks of which no images/s are published
SIZE_ARGUMENTS = ("depths", "dims", "base_dim", "layers", "channels", "width", "kernel_sizes", "orders")


@dataclass(frozen=True)
class Cost:
    """Of one training: images are epochs times training images; None where they or images/s are not known."""

    images: int | None
    hours: float | None


def plan(study: Study, name: str, root: Path) -> str:
    """The plan of the study `name`, whose artifacts lie below `root`, as text."""
    sizes = {dataset: counts(study, dataset, root) for dataset in study.sets}
    rows, costs = [], {}
    for table, job in jobs.tables(study).items():
        needed = {training.folder: cost(training, sizes) for training in identity.walk([job]) if _is_training(training)}
        added = {folder: training_cost for folder, training_cost in needed.items() if folder not in costs}
        rows.append([table, *_sums(needed.values()), *_sums(added.values())])
        costs |= added
    rows.append(["all", None, None, None, *_sums(costs.values())])
    headers = ["", "trainings", "M images", "GPU-hours", "added: trainings", "M images", "GPU-hours"]
    table = tabulate(rows, headers, colalign=("left", *["right"] * 6), disable_numparse=True, missingval="")
    head = f"Plan of the study {name}, at {study.image_size} px:"
    notes = _notes(study, sizes, list(costs.values()))
    return "\n\n".join(filter(None, [head, table, "\n".join(notes), "\n".join(reach.report(study))]))


def _is_training(job: Job) -> bool:
    return job.stage in ("train", "transfer") and "training" in job.settings


def counts(study: Study, dataset: str, root: Path) -> tuple[int, int] | None:
    """Training and test images of a set: as prepared, else as published within the study's limits, else None."""
    prepared = jobs.prepare(study, dataset)
    try:
        facts = artifacts.manifest(root, prepared.folder).facts
        return facts["train"], facts["test"]
    except (KeyfiltersError, KeyError):
        pass
    settings = study.sets[dataset]
    name = settings.sha256 if settings.source == "archive" else settings.set or dataset
    known = _published_sets().get((settings.source, "imagenet" if settings.source == "imagenet" else name))
    if known is None:
        return None
    classes = len(settings.classes) if settings.classes else known[0]
    share = classes / known[0]
    train, test = (round(share * whole) for whole in known[1:])
    trained = min(train, (settings.train_per_class or train) * classes)
    tested = train - trained if settings.validation else test
    return trained, min(tested, (settings.test_per_class or tested) * classes)


def cost(job: Job, sizes: dict[str, tuple[int, int] | None]) -> Cost:
    """What one training costs."""
    size = sizes[job.inputs["dataset"].name]
    if size is None:
        return Cost(None, None)
    images = job.settings["training"]["epochs"] * size[0]
    rate = images_per_second(job.settings["model"], job.inputs["dataset"].settings["image_size"])
    return Cost(images, images / rate / 3600 if rate else None)


def images_per_second(model: dict, image_size: int) -> float | None:
    """Estimate for training a `model` of its published size; None where that is not known."""
    known = architecture(model["architecture"])
    if known.giga_macs is None or any(argument in model for argument in SIZE_ARGUMENTS):
        return None
    reference = architecture(REFERENCE)
    rate = known.images_per_second or reference.images_per_second * reference.giga_macs / known.giga_macs
    arguments = {name: value for name, value in model.items() if name != "architecture"}
    native = readings(model["architecture"], {}, NATIVE_SIZE)[0].out
    return rate * (native / readings(model["architecture"], arguments, image_size)[0].out) ** 2


def _sums(costs: Iterable[Cost]) -> tuple[int, str, str]:
    """Trainings, millions of images and GPU-hours; "?" where they are known of no training."""
    costs = list(costs)

    def total(values: list[float | None], unit: float, digits: int) -> str:
        known = [value for value in values if value is not None]
        return f"{sum(known) / unit:,.{digits}f}" if known or not values else "?"

    return len(costs), total([cost.images for cost in costs], 1e6, 1), total([cost.hours for cost in costs], 1, 2)


def _notes(study: Study, sizes: dict[str, tuple[int, int] | None], every: list[Cost]) -> Iterator[str]:
    others = "".join(f", {name} {len(seeds)}" for name, seeds in study.tables.own_seeds.items())
    yield (
        "Each table by itself, and what it adds to those above it: trainings are shared. "
        f"{len(study.seeds)} seeds{others}; "
        "networks that are loaded, not trained, are left out."
    )
    unknown = sum(cost.hours is None for cost in every)
    if unknown:
        yield (
            f"Not in the sums: {unknown} of {len(every)} trainings, whose images are not counted before they are "
            "prepared, or whose networks have sizes of their own, for which no images/s are published."
        )
    yield f"GPU-hours from images/s of {SPEED_SOURCE}; see the head of plan.py for how they are scaled."
    prepared = [job for job in jobs.keyed(study).values() if job.stage == "prepare" and sizes[job.name]]
    bytes_of = {
        f"{job.name} at {job.settings['image_size']} px": sum(sizes[job.name]) * job.settings["image_size"] ** 2 * 3
        for job in prepared
    }
    largest = max(bytes_of, key=bytes_of.get, default=None)
    if largest:
        yield (
            f"Prepared sets: {sum(bytes_of.values()) / 1e9:,.1f} GB, {largest} {bytes_of[largest] / 1e9:,.1f} GB; "
            "while one is prepared, its images lie on the disk twice."
        )


@cache
def _table(name: str) -> list[dict[str, str]]:
    with files("keyfilters.published").joinpath(f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


@cache
def _published_sets() -> dict[tuple[str, str], tuple[int, int, int]]:
    """Classes, training and test images by source and set; an archive's set is its digest."""
    return {
        (line["source"], line["set"]): (int(line["classes"]), int(line["train"]), int(line["test"]))
        for line in _table("datasets")
    }
