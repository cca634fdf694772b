"""What a command prints, as a page of HTML with its image."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from keyfilters.store.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 140  # characters of a line
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font-family: sans-serif; margin: 2em }} pre {{ line-height: 1.25 }} img {{ max-width: 100% }}</style>
</head>
<body>
<h1>{title}</h1>
<img alt="{title}" src="data:image/png;base64,{image}">
{tables}
</body>
</html>
"""


def write_page(path: Path, title: str, show: Callable[[Console], None], draw: Callable[[], Figure]) -> None:
    """Write a page with what `show` prints and `draw` draws; it needs no other file."""
    import matplotlib.pyplot as plt

    from keyfilters.results.drawing.style import STYLE

    console = Console(record=True, width=WIDTH, file=io.StringIO())
    show(console)
    tables = console.export_html(inline_styles=True, code_format="<pre><code>{code}</code></pre>")
    image = io.BytesIO()
    with plt.rc_context(STYLE):
        figure = draw()
        figure.savefig(image, format="png", dpi=130, metadata={"Software": None})
    plt.close(figure)
    title = escape(title)
    write_text(path, PAGE.format(title=title, image=base64.b64encode(image.getvalue()).decode(), tables=tables))
