"""Networks: the sections `model` and `models`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model, model_validator

from keyfilters.config.base import Digest, Name, Settings
from keyfilters.models.registry import ARCHITECTURES, ARGUMENTS


class Pretrained(Settings):
    """Weights that others trained: one of `timm`, `path` and `url`."""

    timm: str | None = None
    """Name of timm's weights."""
    path: Path | None = None
    """A checkpoint's file."""
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """A checkpoint's URL."""
    sha256: Digest | None = None
    """Digest of the checkpoint."""

    @model_validator(mode="after")
    def _says_which(self) -> Pretrained:
        if [self.timm, self.path, self.url].count(None) != 2:
            raise ValueError("expected one of `timm`, `path` and `url`")
        if (self.timm is None) != (self.sha256 is not None):
            raise ValueError("`sha256` belongs to a `path` or a `url`, which needs it")
        return self

    @property
    def key_fields(self) -> dict[str, Any]:
        """What a key says: a name or a digest, never where a file lies."""
        return self.model_dump(include={"timm", "sha256"}, exclude_none=True)


class _Model(Settings):
    """An architecture with its arguments; what is left out is the architecture's default."""

    architecture: str
    """A name of the registry."""
    pretrained: dict[Name, Pretrained] = Field(default_factory=dict)
    """By set, the weights that its base model on that set is not trained for."""

    @model_validator(mode="after")
    def _known(self) -> _Model:
        if self.architecture not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise ValueError(f"unknown architecture {self.architecture!r}, expected one of: {known}")
        arguments = ARCHITECTURES[self.architecture].arguments
        for argument in self.arguments:
            if argument not in arguments:
                known = ", ".join(arguments)
                raise ValueError(f"{self.architecture} has no {argument!r}, expected one of: {known}")
        return self

    @property
    def key_fields(self) -> dict[str, Any]:
        """What a key and a result say of it: what is given, as JSON types."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"pretrained"})

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that are given, without the architecture."""
        return {name: value for name, value in self.key_fields.items() if name != "architecture"}


_ARGUMENTS = {name: type_ for entry in ARCHITECTURES.values() for name, type_ in entry.arguments.items()}

if TYPE_CHECKING:

    class Model(_Model): ...

else:
    Model = create_model(
        "Model",
        __base__=_Model,
        __doc__=_Model.__doc__,
        **{name: (type_ | None, Field(None, description=ARGUMENTS[name])) for name, type_ in _ARGUMENTS.items()},
    )
