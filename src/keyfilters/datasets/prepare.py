"""`keyfilters prepare`: one set, decoded, square, without duplicates, split, in arrays."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from keyfilters.datasets.arrays import Rows, save
from keyfilters.datasets.contact_sheet import contact_sheet
from keyfilters.datasets.decoding import UndecodableError, to_rgb, to_square
from keyfilters.datasets.duplicates import without_duplicates
from keyfilters.datasets.splitting import at_most, left_over, split
from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.packages import default_cache
from keyfilters.sources import source
from keyfilters.sources.image import SourceImage
from keyfilters.sources.reading import Opened
from keyfilters.store import artifacts


def prepare(description: Mapping[str, Any], root: Path, cache: Path | None = None, path: Path | None = None) -> None:
    """Make the artifact of a `prepare` job below `root`; its facts are those of `prepare_set`.

    `path` is where the set's own file or folder lies, if its source needs one; `cache` keeps what is fetched, in
    the user's cache folder when left out.
    """
    with artifacts.write(root, description) as draft:
        settings = {**description["settings"], "name": description["name"], "path": path}
        facts = prepare_set(settings, draft.path, cache or default_cache())
        draft.facts.update(facts)
    print(
        f"{facts['name']}: {facts['train']:,} training and {facts['test']:,} test images of "
        f"{len(facts['classes'])} classes; dropped {facts['duplicates_dropped']} duplicates and "
        f"{facts['ambiguous_dropped']} ambiguous, {len(facts['undecodable'])} undecodable",
        file=sys.stderr,
    )


def prepare_set(settings: Mapping[str, Any], folder: Path, cache: Path) -> dict[str, Any]:
    """Write the set that `settings` describe into `folder`, and return what is known about it.

    Settings: `name`, `set` (what its source calls it), `source` (as in `config.dataset.Dataset`, with its `path`
    and `sha256`), `classes` (some of the source's, left out: all), `title` (left out: the source's),
    `image_size` (pixels), `train_per_class` and `test_per_class` (at most so many; None: all),
    `test_share` (where the source has no split of its own), `validation` (left out: no; test on training images that
    `train_per_class` leaves over), `max_undecodable` (share of all images).
    What is fetched is kept in `cache`.

    Files: `arrays.safetensors` with `train_images` and `test_images`, uint8 `[N, H, W, 3]`, and
    `train_labels` and `test_labels`, int64 `[N]`, indices into the classes; `contact_sheet.png`. The
    returned `mean` and `std` are those of the training pixels from 0 to 1, per channel.

    Raises KeyfiltersError if the source cannot be had, too many images are undecodable, or a class
    has no image on one side of the split.
    """
    name, size = settings["name"], settings["image_size"]
    opened = source(settings["source"]).open_set(settings, cache)
    reader = opened.reader
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / ".pixels"
    images, undecodable = _decode(opened, settings, scratch)
    classes = sorted({image.label for image in images})
    distinct = without_duplicates(images)
    order = settings["set"]  # the same images, whatever a study calls the set
    sides = split(distinct.images, order, settings["test_share"])
    train = at_most(sides["train"], order, settings["train_per_class"])
    tested = left_over(sides["train"], train) if settings.get("validation") else sides["test"]
    sides = {"train": train, "test": at_most(tested, order, settings["test_per_class"])}
    per_class = _count(sides, classes, name)

    arrays = {}
    for side, chosen in sides.items():
        arrays[f"{side}_images"] = Rows(np.uint8, (size, size, 3), [image.data for image in chosen])
        arrays[f"{side}_labels"] = Rows(np.int64, (), [np.int64(classes.index(image.label)) for image in chosen])
    save(arrays, folder / "arrays.safetensors")
    mean, std = channel_statistics(arrays["train_images"].rows)
    contact_sheet(sides["train"], name).save(folder / "contact_sheet.png", optimize=True)
    scratch.unlink()
    return {
        "name": name,
        "title": settings.get("title") or reader.TITLE or name,
        "domain": reader.DOMAIN,
        "licence": reader.LICENCE,
        "classes": classes,
        "train": len(sides["train"]),
        "test": len(sides["test"]),
        "per_class": per_class,
        "mean": mean,
        "std": std,
        "duplicates_dropped": distinct.duplicates,
        "ambiguous_dropped": distinct.ambiguous,
        "undecodable": undecodable,
        "image_size": size,
        **opened.facts,
    }


def channel_statistics(images: Iterable[np.ndarray]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of images uint8 `[H, W, 3]`, scaled to 0..1.

    Counted by value, so that they are exact and no float copy of the images is made.
    """
    counts = np.zeros((3, 256), np.int64)
    for image in images:
        for channel in range(3):
            counts[channel] += np.bincount(image[..., channel].ravel(), minlength=256)
    values = np.arange(256) / 255
    mean, std = [], []
    for channel in counts:
        share = channel / channel.sum()  # type: ignore[attr-defined]
        mean.append(float(share @ values))
        std.append(float(np.sqrt(share @ (values - mean[-1]) ** 2)))
    return mean, std


def _decode(opened: Opened, settings: Mapping[str, Any], scratch: Path) -> tuple[list[SourceImage], list[str]]:
    """All images, and the names of those that could not be decoded.

    Pixels, uint8 `[size, size, 3]`, are views of the file `scratch`, so a set may be larger than the memory.
    """
    size, images, undecodable = settings["image_size"], [], []
    with scratch.open("wb") as file:
        for image in _of_classes(opened.reader.read(opened.path), settings):
            try:
                file.write(to_square(to_rgb(image.data), size, opened.reader.FIT).tobytes())
            except UndecodableError:
                undecodable.append(image.name)
            else:
                images.append(replace(image, data=b""))
    total = len(images) + len(undecodable)
    if len(undecodable) > settings["max_undecodable"] * total:
        raise KeyfiltersError(
            f"set {settings['set']}: {len(undecodable)} of {total} images cannot be decoded "
            f"(first: {', '.join(undecodable[:3])}); mend the source or raise `max_undecodable`"
        )
    if not images:
        raise KeyfiltersError(f"set {settings['set']}: no image in {opened.path}; is it the right file?")
    pixels = np.asarray(np.memmap(scratch, np.uint8, "r", shape=(len(images), size, size, 3)))
    return [replace(image, data=view) for image, view in zip(images, pixels, strict=True)], undecodable


def _of_classes(images: Iterable[SourceImage], settings: Mapping[str, Any]) -> Iterator[SourceImage]:
    """Those of the classes that the settings name. Raises KeyfiltersError if one has no image."""
    wanted, labels = settings.get("classes"), set()
    for image in images:
        labels.add(image.label)
        if wanted is None or image.label in wanted:
            yield image
    unknown = sorted(set(wanted or ()) - labels)
    if unknown:
        raise KeyfiltersError(
            f"set {settings['name']}: no class {unknown[0]!r} in {settings['set']}, it has: {', '.join(sorted(labels))}"
        )


def _count(sides: Mapping[str, Sequence[SourceImage]], classes: Sequence[str], name: str) -> dict[str, Any]:
    """Images per class and side; none may be zero."""
    counts = {side: Counter(image.label for image in chosen) for side, chosen in sides.items()}
    for side, label in ((side, label) for side in sides for label in classes):
        if not counts[side][label]:
            raise KeyfiltersError(
                f"set {name}: the class {label!r} has no {side} image after the split; "
                "give it more, leave it out, or change `test_share` if the source has no split of its own"
            )
    return {label: {side: counts[side][label] for side in sides} for label in classes}
