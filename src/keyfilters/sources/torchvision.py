"""Sets through torchvision's own classes, which download them and know their layout and official splits.

Importing this module does not import torchvision. `md5` are the digests with which torchvision pins what it
downloads: they are the identity of these sets. Of what a user put there unpacked, torchvision compares digests for
CIFAR, STL-10 and the Flowers' lists, and for the others only sees that folders or files are there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock

from keyfilters.errors import KeyfiltersError
from keyfilters.sources.image import SourceImage
from keyfilters.sources.reading import Opened

if TYPE_CHECKING:
    from keyfilters.config.dataset import Dataset


@dataclass(frozen=True)
class TorchvisionSet:
    """One of torchvision's sets. The constants of a reader are fields here; `read` takes torchvision's root folder.

    `train` and `test`: the official parts that make up each side. `chosen_by`: the argument that tells a part,
    `split="test"` or `train=False`. `by_file`: the class can hand on an image's file undecoded.
    """

    TITLE: str
    DOMAIN: str
    LICENCE: str
    type_name: str
    md5: Mapping[str, str] = field(repr=False)
    train: tuple[str, ...] = ("train",)
    test: tuple[str, ...] = ("test",)
    chosen_by: Literal["split", "train"] = "train"
    by_file: bool = False
    FIT: Literal["crop"] = "crop"

    @property
    def SPLITS(self) -> dict[str, str]:
        """The official parts that each side is made of, in torchvision's words."""
        return {side: " + ".join(parts) for side, parts in (("train", self.train), ("test", self.test))}

    def read(self, root: Path) -> Iterator[SourceImage]:
        """All images of both sides, downloaded below `root` if they are not there."""
        for side, parts in (("train", self.train), ("test", self.test)):
            for part in parts:
                yield from self._images(self._opened(root, part), side, part)

    def _opened(self, root: Path, part: str) -> Any:
        import keyfilters.models.torchvision_ops  # noqa: F401  (before torchvision)

        # isort: split
        import torchvision.datasets

        root.mkdir(parents=True, exist_ok=True)
        options = {"split": part} if self.chosen_by == "split" else {"train": part == "train"}
        options |= {"loader": Path.read_bytes} if self.by_file else {}
        # Two jobs may want it at once; a folder that may not be written to is there already, and nothing comes to it.
        lock = FileLock(root / f".{self.type_name}.lock") if os.access(root, os.W_OK) else nullcontext()
        try:
            with lock:
                return getattr(torchvision.datasets, self.type_name)(root, **options, download=True)
        except (RuntimeError, OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise KeyfiltersError(
                f"{self.TITLE}: torchvision cannot have it in {root} ({reason}); connect to the internet, "
                "or put its files there as torchvision lays them out"
            ) from error

    def _images(self, dataset: Any, side: Literal["train", "test"], part: str) -> Iterator[SourceImage]:
        import numpy as np

        for index in range(len(dataset)):
            name = f"{part}/{index:05}"
            try:
                data, label = dataset[index]
            except FileNotFoundError as error:
                missing = f"{self.TITLE}: {error.filename} is missing"
                raise KeyfiltersError(f"{missing}; delete the set's folder and run again") from error
            except (OSError, SyntaxError, ValueError):  # what Pillow raises where the class itself decodes
                data, label = b"", dataset._labels[index]
            data = data if isinstance(data, bytes) else np.asarray(data)
            yield SourceImage(data, dataset.classes[label], name=name, group=name, split=side)


def _idx(*digests: str) -> dict[str, str]:
    """The four files of MNIST and its like, in torchvision's order."""
    files = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return {f"{file}-ubyte.gz": digest for file, digest in zip(files, digests, strict=True)}


def check(dataset: Dataset) -> None:
    """Raises ValueError if the section has a digest: the pins are torchvision's."""
    if dataset.sha256:
        raise ValueError("`sha256` belongs to another source than `torchvision`, whose pins are its own")


def identity(name: str) -> dict[str, Any]:
    """The digests with which torchvision pins the set's files."""
    return {"md5": dict(SETS[name].md5)}


def open_set(settings: Mapping[str, Any], cache: Path) -> Opened:
    """The set `settings["set"]` in torchvision's root folder `settings["path"]`, else in one of the cache."""
    of_set = SETS[settings["set"]]
    return Opened(of_set, Path(settings["path"] or cache / "torchvision"), {"splits": of_set.SPLITS})


SETS = {
    "food101": TorchvisionSet(
        "Food 101",
        "photographs of dishes",
        "the photographs are Foodspotting's; scientific fair use (cite Bossard et al. 2014)",
        "Food101",
        {"food-101.tar.gz": "85eeb15f3717b99a5da872d97d918f87"},
        chosen_by="split",
        by_file=True,
    ),
    "cifar10": TorchvisionSet(
        "CIFAR-10",
        "photographs of animals and vehicles",
        "none stated (cite Krizhevsky 2009)",
        "CIFAR10",
        {"cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a"},
    ),
    "cifar100": TorchvisionSet(
        "CIFAR-100",
        "photographs of animals, plants, things and scenes",
        "none stated (cite Krizhevsky 2009)",
        "CIFAR100",
        {"cifar-100-python.tar.gz": "eb9058c3a382ffc7106e4002c42a8d85"},
    ),
    "stl10": TorchvisionSet(
        "STL-10",
        "photographs of animals and vehicles",
        "none stated; images from ImageNet (cite Coates et al. 2011)",
        "STL10",
        {"stl10_binary.tar.gz": "91f7769df0f17e558f3565bffb0c7dfb"},
        chosen_by="split",
    ),
    "pets": TorchvisionSet(
        "Oxford-IIIT Pets",
        "photographs of cats and dogs",
        "CC BY-SA 4.0 (cite Parkhi et al. 2012)",
        "OxfordIIITPet",
        {
            "images.tar.gz": "5c4f3ee8e5d25df40f4fd59a7f44e54c",
            "annotations.tar.gz": "95a8c909bbe2e81eed6a22bccdf3f68f",
        },
        train=("trainval",),
        chosen_by="split",
    ),
    "flowers102": TorchvisionSet(
        "Oxford 102 Flowers",
        "photographs of flowers",
        "none stated (cite Nilsback and Zisserman 2008)",
        "Flowers102",
        {
            "102flowers.tgz": "52808999861908f626f3c1f4e79d11fa",
            "imagelabels.mat": "e0620be6f572b9609742df49c70aed4d",
            "setid.mat": "a5357ecc9cb78c4bef273ce3793fc85c",
        },
        # The paper's Table 6 has 2 k for training and 6 k for testing: 1,020 + 1,020 and 6,149.
        train=("train", "val"),
        chosen_by="split",
        by_file=True,
    ),
    "mnist": TorchvisionSet(
        "MNIST",
        "handwritten digits",
        "CC BY-SA 3.0 (cite LeCun et al. 1998)",
        "MNIST",
        _idx(
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
    ),
    "kmnist": TorchvisionSet(
        "KMNIST",
        "handwritten Hiragana",
        "CC BY-SA 4.0 (cite Clanuwat et al. 2018)",
        "KMNIST",
        _idx(
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
    ),
    "fashionmnist": TorchvisionSet(
        "Fashion-MNIST",
        "photographs of clothes, grey",
        "MIT (cite Xiao et al. 2017)",
        "FashionMNIST",
        _idx(
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
    ),
}
