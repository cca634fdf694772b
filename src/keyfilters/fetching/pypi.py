"""Files of Python's package indexes, wheels and source archives alike, from where pip is told to look.

pip itself is no choice: it downloads a source archive only with a run of its build script, and a wheel only if it
suits this machine.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

import requests
from requests.adapters import HTTPAdapter, Retry

from keyfilters.running.progress import Download

PYPI = "https://pypi.org/simple"
BLOCK = 1 << 16  # bytes


def fetch(project: str, path: Path, size: int | None = None) -> None:
    """Fetch the file of `project` that is called as `path` is, to there; it has `size` bytes, if that is known.

    Raises LookupError if no index has it, OSError if one cannot be reached.
    """
    settings = _pip_settings()
    pages = [f"{index.rstrip('/')}/{_normalised(project)}/" for index in _indexes(settings)]
    with requests.Session() as session:
        session.verify = settings.get("cert", True)
        retries = Retry(int(settings.get("retries", 5)), backoff_factor=0.25, status_forcelist=(502, 503, 504))
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retries))
        timeout = float(settings.get("timeout", settings.get("default-timeout", 15)))
        for page in pages:
            for link in _links(page, b"".join(_content(session, page, timeout))):
                if unquote(urlsplit(link).path).rpartition("/")[2] == path.name:
                    with path.open("wb") as file, Download(path.name, size) as download:
                        for block in _content(session, link, timeout):
                            download.advance(file.write(block))
                    return
    raise LookupError(f"no such file in {' or '.join(pages)}")


def _pip_settings() -> Mapping[str, str]:
    """pip's settings for a download: those of the environment over those of its files."""
    command = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    settings = {}
    for line in sorted(printed.splitlines(), key=lambda line: (line.startswith(":env:"), line.startswith("download."))):
        name, _, value = line.partition("=")
        if name.startswith((":env:", "global.", "download.")):
            settings[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return settings


def _indexes(settings: Mapping[str, str]) -> list[str]:
    return [settings.get("index-url", PYPI), *settings.get("extra-index-url", "").split()]


def _normalised(project: str) -> str:
    """A project's name in addresses (PEP 503)."""
    return re.sub(r"[-_.]+", "-", project).lower()


def _content(session: requests.Session, url: str, timeout: float) -> Iterator[bytes]:
    """What lies at `url`, in blocks; nothing where an index does not know the project."""
    if url.startswith("file:"):
        path = Path(url2pathname(urlsplit(url).path))
        path = path / "index.html" if url.endswith("/") else path
        if path.exists():
            yield path.read_bytes()
        return
    with session.get(url, headers={"Accept": "text/html"}, timeout=timeout, stream=True) as answer:
        if answer.status_code == 404:
            return
        answer.raise_for_status()
        yield from answer.iter_content(BLOCK)


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]


def _links(page: str, content: bytes) -> list[str]:
    """The addresses of a project's files (PEP 503)."""
    anchors = _Anchors()
    anchors.feed(content.decode("utf-8", "replace"))
    return [urljoin(page, link) for link in anchors.links]
