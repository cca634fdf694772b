"""What every section of `config.yaml` is built on: checked values, and what of them a key says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Seeds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]

MODEL = "model"  # what tables call the study's own model


class Settings(BaseModel):
    """Base of every section: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, values: Any) -> Any:
        for key in values if isinstance(values, Mapping) else ():
            if key not in cls.model_fields:
                raise ValueError(f"unknown key {key!r}, expected one of: {', '.join(cls.model_fields)}")
        return values


class Recipe(Settings):
    """Settings of a training. `ORIGINAL_FIELDS`: the fields that its key has had from the beginning."""

    ORIGINAL_FIELDS: ClassVar[frozenset[str]]

    @property
    def key_fields(self) -> dict[str, Any]:
        """What a key says, as JSON types: a field that was added later only where it is not as by default, so that
        the keys of what was trained before stay.
        """
        fields = type(self).model_fields
        names = {name for name, value in self if name in self.ORIGINAL_FIELDS or value != fields[name].get_default()}
        nested = {name: value.key_fields for name, value in self if name in names and isinstance(value, Recipe)}
        return self.model_dump(mode="json", include=names) | nested
