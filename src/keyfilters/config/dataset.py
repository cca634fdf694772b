"""Sets of images: the section `datasets`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from keyfilters.config.base import Digest, Name, PositiveInt, Settings, Share
from keyfilters.sources import SOURCES, source

PAPER_SETS = (
    "ImageNet",
    "Food 101",
    "Sketch",
    "CIFAR-10",
    "STL-10",
    "Oxford-IIIT Pets",
    "Oxford 102 Flowers",
)


def _listed_classes(value: Any) -> Any:
    """The classes of a list below `published/classes`, where a setting gives its name."""
    if not isinstance(value, str):
        return value
    lists = {
        file.name.removesuffix(".txt"): file for file in files("keyfilters.published").joinpath("classes").iterdir()
    }
    if value not in lists:
        raise ValueError(f"no list of classes {value!r}, expected classes or one of: {', '.join(sorted(lists))}")
    return [line for line in lists[value].read_text().splitlines() if not line.startswith("#")]


class Dataset(Settings):
    """One set of images, or some of such a set's classes."""

    source: Literal[SOURCES] = "package"
    """`package`: one that a package carries; `archive`: class folders in a tar or zip at `path` with this `sha256`;
    `torchvision`: one of its sets, in its root folder `path`; `domainnet`: the published files, in the folder
    `path`; `imagenet`: the original's layout in the folder `path`."""
    set: Name | None = None
    """What the source calls it; the entry's own name when left out."""
    classes: Annotated[tuple[str, ...], Field(min_length=2), BeforeValidator(_listed_classes)] | None = None
    """These alone, or those of a list below `published/classes`; all when left out."""
    title: str | None = None
    """For people; the source's when left out."""
    paper: Literal[PAPER_SETS] | None = None
    """Name of the paper's dataset that this one replaces, where the title is not already that."""
    path: Path | None = None
    """The file or folder of the source; fetched sources use the cache when left out."""
    sha256: Digest | None = None
    """Digest of the archive; of ImageNet, of its listing of names and sizes."""
    train_per_class: PositiveInt | None = None
    """Training images of a class, at most."""
    test_per_class: PositiveInt | None = None
    """Test images of a class, at most."""
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the images that are test images, where the source has no split of its own."""
    validation: bool = False
    """Test on training images that `train_per_class` leaves over and never on test images: to choose a recipe."""
    max_undecodable: Share = 0.01
    """Share of the images that may fail to decode."""

    @model_validator(mode="after")
    def _has_what_its_source_needs(self) -> Dataset:
        if self.validation and self.train_per_class is None:
            raise ValueError("validation: needs `train_per_class`, as it tests on the training images left over")
        source(self.source).check(self)
        return self
