"""The templates of the pages, HTML and Markdown, with what they share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """The text of a page; a value that the template names and nobody gives is an error."""
    return _ENVIRONMENT.get_template(f"{template}.jinja").render(**values)


def page_of_output(name: str) -> str:
    return f"{name}.html"


def page_of_cell(name: str) -> str:
    return f"cells/{name}.html"


def page_of_artifact(folder: str) -> str:
    return f"artifacts/{folder}.html"


def percent(record: Mapping[str, Any]) -> str:
    """`87.60 ± 0.31 %` of a cell."""
    spread = "" if record["spread"] is None else f" ± {record['spread']:.2f}"
    return f"{record['mean']:.2f}{spread} %"


def duration(seconds: float) -> str:
    """`2:03:04`, or `12.3 s` below a minute."""
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


_ENVIRONMENT = Environment(
    loader=PackageLoader("keyfilters.reports"),
    autoescape=lambda name: name.endswith(".html.jinja"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"percent": percent, "duration": duration}
_ENVIRONMENT.globals |= {"page_of_output": page_of_output, "page_of_cell": page_of_cell}
_ENVIRONMENT.globals |= {"page_of_artifact": page_of_artifact}
