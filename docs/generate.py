"""Writes the pages of the docs that follow from the code: `make docs`. A test says when they are out of date."""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from keyfilters.models.registry import ARCHITECTURES
from keyfilters.study.study import Config
from keyfilters.study.tables import OUTPUTS

DOCS = Path(__file__).parent


def configuration() -> str:
    """Every section of `config.yaml` with its settings."""
    lines = [
        "# Configuration",
        "",
        "Every setting of `config.yaml`, generated from the code by `make docs`. A study is an entry of `studies`; a "
        "wrong key or value is one line that names it. `config.schema.json` beside this page tells an editor the same.",
    ]
    for section in _sections(Config):
        lines += ["", f"## {section.__name__.removeprefix('_')}", "", _paragraph(section.__doc__), ""]
        lines += ["| setting | type | default | meaning |", "| --- | --- | --- | --- |"]
        lines += [_row(name, field) for name, field in section.model_fields.items()]
    lines += ["", "## Architectures", "", "| name | network | arguments |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {of.title} | {', '.join(of.arguments)} |" for name, of in ARCHITECTURES.items()]
    return "\n".join(lines) + "\n"


def tables() -> str:
    """Every table and figure with its settings."""
    lines = [
        "# Tables and figures",
        "",
        "What a study can make, generated from the declarations in `src/keyfilters/study/` by `make docs`. Each is a "
        "target of Snakemake and a section of `tables` in `config.yaml`, under one name. " + _stages(),
    ]
    papers = dict.fromkeys(output.paper for output in OUTPUTS.values())
    for paper in papers:
        lines += ["", f"## {paper}", "", "| name | what it shows | settings (default) |", "| --- | --- | --- |"]
        for name, output in OUTPUTS.items():
            if output.paper == paper:
                settings = ", ".join(_setting(*item) for item in output.model_fields.items())
                lines.append(f"| `{name}`, a {output.kind} | {output.caption} | {settings} |")
    return "\n".join(lines) + "\n"


def _stages() -> str:
    """How their stages in `dvc.yaml` are called, and which of them have none."""
    stages = yaml.safe_load((DOCS.parent / "dvc.yaml").read_text())["stages"]
    known = {*stages, *stages["filter_figures"]["foreach"]}
    without = ", ".join(f"`{name}`" for name in OUTPUTS if name not in known)
    return (
        "Its stage in `dvc.yaml` has the same name, or is `filter_figures@NAME` (`dvc stage list`); "
        f"{without} have none, since `mini`, whose versions DVC keeps, does not make them."
    )


def schema() -> str:
    """The JSON schema of `config.yaml`."""
    return json.dumps(Config.model_json_schema(), indent=1) + "\n"


PAGES = {"configuration.md": configuration, "tables.md": tables, "config.schema.json": schema}


def _sections(section: type[BaseModel], seen: set[type] | None = None) -> Iterator[type[BaseModel]]:
    """The section and those below it, each once; tables have a page of their own."""
    seen = set() if seen is None else seen
    if section in seen or section.__name__ in ("Tables", "TrainingOverrides"):
        return
    seen.add(section)
    yield section
    for field in section.model_fields.values():
        for inner in _models(field.annotation):
            yield from _sections(inner, seen)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models(argument)


def _paragraph(text: str | None) -> str:
    return re.sub(r"\s*\n\s*", " ", (text or "").strip())


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {_paragraph(field.description)} |"


def _setting(name: str, field: FieldInfo) -> str:
    default = _default(field)
    return f"`{name}`" if default == "required" else f"`{name}` ({default})"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, BaseModel):
        return "its defaults"
    text = json.dumps(value, default=lambda section: section.model_dump(mode="json", exclude_defaults=True))
    return f"`{text}`".replace("|", "\\|")


def _type(annotation: object) -> str:
    """`integer`, `list of text`, ... for a type; choices as they are written."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in arguments if part is not type(None)))
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"mapping of names to {_type(arguments[1])}"
    names = {int: "integer", float: "number", bool: "true or false", str: "text", Path: "path"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)).removeprefix("_"))


if __name__ == "__main__":
    for file, page in PAGES.items():
        (DOCS / file).write_text(page())
        print(f"docs/{file}")
