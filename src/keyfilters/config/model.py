"""Networks: the sections `model` and `models`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from keyfilters.config.base import Digest, Name, PositiveFloat, PositiveInt, Settings, Share
from keyfilters.models import ARCHITECTURES


class Pretrained(Settings):
    """Weights that others trained: by `timm`'s name, or a checkpoint at a `path` or an `address` with this `sha256`."""

    timm: str | None = None
    path: Path | None = None
    address: Annotated[str, Field(pattern=r"^https?://")] | None = None
    sha256: Digest | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Pretrained:
        if [self.timm, self.path, self.address].count(None) != 2:
            raise ValueError("expected one of `timm`, `path` and `address`")
        if (self.timm is None) != (self.sha256 is not None):
            raise ValueError("`sha256` belongs to a `path` or an `address`, which needs it")
        return self

    @property
    def key_fields(self) -> dict[str, Any]:
        """What a key says: a name or a digest, never where a file lies."""
        return self.model_dump(include={"timm", "sha256"}, exclude_none=True)


class Model(Settings):
    """An architecture with its arguments; what is left out is the architecture's default.

    `pretrained`: by set, the weights that its base model on that set is not trained for.
    """

    architecture: str
    depths: tuple[PositiveInt, ...] | None = None
    dims: tuple[PositiveInt, ...] | None = None
    base_dim: PositiveInt | None = None
    layers: tuple[PositiveInt, ...] | None = None
    channels: tuple[PositiveInt, ...] | None = None
    width: PositiveFloat | None = None
    in_channels: Literal[1, 3] | None = None
    patch_size: PositiveInt | None = None
    map_size: PositiveInt | None = None
    kernel_sizes: tuple[PositiveInt, ...] | None = None
    orders: tuple[PositiveInt, ...] | None = None
    scale: PositiveFloat | None = None
    conv_mlp: bool | None = None
    ls_init_value: PositiveFloat | None = None
    drop_path_rate: Share | None = None
    pretrained: dict[Name, Pretrained] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Model:
        if self.architecture not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise ValueError(f"unknown architecture {self.architecture!r}, expected one of: {known}")
        known = ARCHITECTURES[self.architecture]
        for argument in self.arguments:
            if argument not in known:
                raise ValueError(f"{self.architecture} has no {argument!r}, expected one of: {', '.join(known)}")
        return self

    @property
    def key_fields(self) -> dict[str, Any]:
        """What a key and a result say of it: what is given, as JSON types."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"pretrained"})

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that are given, without the architecture."""
        return {name: value for name, value in self.key_fields.items() if name != "architecture"}
