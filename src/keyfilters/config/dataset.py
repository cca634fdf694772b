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
    """One set of pictures, or some of such a set's classes.

    `source`: a `package` carries it; an `archive` of class folders, which lies at `path` and has this `sha256`; one
    of `torchvision`'s sets, in its root folder `path`; `domainnet`, with the published files in the folder `path`
    (of both, what is not there is fetched; the folder is in the cache when left out); `imagenet` in the original's
    layout in the user's folder `path`, where `sha256` may pin its listing of names and sizes.
    `set`: what the source calls it, where it is not the entry's own name. `classes`: these alone, or those of a list
    below `published/classes`; None is all. `title`: for people, where it is not the source's. `paper`: the set of the
    paper's tables in whose place it stands, where the title is not already that.
    """

    source: Literal[SOURCES] = "package"
    set: Name | None = None
    classes: Annotated[tuple[str, ...], Field(min_length=2), BeforeValidator(_listed_classes)] | None = None
    title: str | None = None
    paper: Literal[PAPER_SETS] | None = None
    path: Path | None = None
    sha256: Digest | None = None
    train_per_class: PositiveInt | None = None
    test_per_class: PositiveInt | None = None
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    max_undecodable: Share = 0.01

    @model_validator(mode="after")
    def _has_what_its_source_needs(self) -> Dataset:
        source(self.source).check(self)
        return self
