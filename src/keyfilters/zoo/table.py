"""The project's table of pretrained networks that packages carry: where each is, pinned, and what is known of it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.readers import FORMATS

TABLE = Path(__file__).with_name("models.csv")

PRECISIONS = ("float32", "float16", "uint8", "int8")

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]


class Model(BaseModel):
    """One network of the table, by its `id`.

    `source`, `package`, `version`, `file`, `sha256`: the pinned file that carries it. `member`: its path inside;
    `part`: which of several networks in the member, or empty. `task_group`: one of 20 kinds, one for each `task`.
    `training_set`: empty if nobody tells. `family_known_by`, `training_set_known_by`: who or what tells it.
    `precision`: of the weights in the package, whatever type a reader makes of them; `stored_as`: more of that.
    `non_commercial`: its licence, or that of its weights, allows no commercial use. `artifact_bytes`, `member_bytes`:
    sizes of the file and of the unpacked member. `catalogued_3x3`: 3x3 filters of regular convolutions as the
    catalogue that the rows come from counted them, for comparison only. `kinds`: what the package's own code says of
    layers whose format does not, as `zoo.kinds` has it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    source: Literal["pypi", "npm"]
    package: Text
    version: Text
    file: Annotated[str, Field(pattern=r"^[^/\\]+$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    member: Text
    part: str
    format: Literal[FORMATS]
    task: Text
    task_group: Text
    family: Text
    family_known_by: str
    training_set: str
    training_set_known_by: str
    visual_category: Text
    precision: Literal[PRECISIONS]
    stored_as: Text
    licence: Text
    non_commercial: Literal["true", "false"]
    artifact_bytes: Count
    member_bytes: Count
    catalogued_3x3: Count
    kinds: Annotated[str, Field(pattern=r"^([^;]*=(regular|depthwise|transposed|none)( [OIHW]{4})?(; |$))*$")]

    @property
    def commercial(self) -> bool:
        return self.non_commercial == "false"

    @property
    def weights(self) -> dict[str, str]:
        """What decides the filters that are read: the pinned bytes and how to read them."""
        columns = ("source", "package", "version", "file", "sha256", "member", "part", "format", "kinds")
        return {name: value for name in columns if (value := getattr(self, name))}

    @property
    def entry(self) -> dict[str, str | None]:
        """What CNN Filter DB's meta table tells of it beside its weights, under its names; and more. Null: unknown."""
        return {
            "Name": self.family,
            "Training-Dataset": self.training_set or None,
            "Training set known by": self.training_set_known_by or None,
            "Visual Category": self.visual_category,
            "Task": self.task_group,
            "Task in detail": self.task,
            "Precision": self.precision,
            "Package": self.package,
            "Licence": self.licence,
            "Source": " ".join(filter(None, (self.source, self.package, self.version, self.member, self.part))),
        }


@cache
def models(path: Path = TABLE) -> Mapping[str, Model]:
    """The table by model id, in its order.

    Raises KeyfiltersError that names the row and the column of what is wrong.
    """
    by_id: dict[str, Model] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                model = Model.model_validate({column: value for column, value in row.items() if value is not None})
            except ValidationError as error:
                first = error.errors()[0]
                column = ".".join(str(part) for part in first["loc"])
                got = "" if first["type"] == "missing" else f", got {first['input']!r}"
                raise KeyfiltersError(f"{path}: row {number}, column {column}: {first['msg']}{got}") from None
            if model.id in by_id:
                raise KeyfiltersError(f"{path}: row {number}, column id: {model.id!r} stands in an earlier row too")
            by_id[model.id] = model
    return by_id
