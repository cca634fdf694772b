"""Torchvision's sets, on tiny files in each original's own layout."""

import json
import pickle
import struct

import numpy as np
import pytest
from scipy.io import savemat

from keyfilters.datasets.decoding import to_rgb
from keyfilters.datasets.prepare import prepare_set
from keyfilters.errors import KeyfiltersError
from keyfilters.sources.torchvision import SETS
from tests.helpers.tiny_files import encode, noise


@pytest.fixture
def original(monkeypatch):
    """torchvision's class of a set, which takes files of other digests than the real ones."""
    import keyfilters.models.torchvision_ops  # noqa: F401  (before torchvision)

    # isort: split
    import torchvision.datasets as datasets

    def there(path, md5=None):
        from pathlib import Path

        return Path(path).is_file()

    for module in ("cifar", "flowers102", "mnist", "stl10"):
        monkeypatch.setattr(getattr(datasets, module), "check_integrity", there)
    return lambda name: getattr(datasets, SETS[name].type_name)


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def food101(root):
    lists = {"train": ["apple_pie/1", "waffles/2"], "test": ["apple_pie/3", "waffles/4"]}
    for side, names in lists.items():
        by_class = {name.partition("/")[0]: [name] for name in names}
        write(root / f"food-101/meta/{side}.json", json.dumps(by_class).encode())
        for name in names:
            write(root / f"food-101/images/{name}.jpg", encode(noise(int(name[-1]), (12, 16, 3)), "JPEG"))
    return {"apple_pie": (1, 1), "waffles": (1, 1)}, {"train": "train", "test": "test"}


def cifar(root, folder, meta, names_key, files, labels_key):
    for seed, (file, labels) in enumerate(files.items()):
        batch = {"data": noise(seed, (len(labels), 3072)), labels_key: labels}
        write(root / folder / file, pickle.dumps(batch))
    write(root / folder / meta, pickle.dumps({names_key: ["airplane", "bird"]}))


def cifar10(root):
    files = {f"data_batch_{number}": [0, 1] for number in range(1, 6)} | {"test_batch": [1, 0, 1]}
    cifar(root, "cifar-10-batches-py", "batches.meta", "label_names", files, "labels")
    return {"airplane": (5, 1), "bird": (5, 2)}, {"train": "train", "test": "test"}


def cifar100(root):
    cifar(root, "cifar-100-python", "meta", "fine_label_names", {"train": [0, 1, 1], "test": [1, 0]}, "fine_labels")
    return {"airplane": (1, 1), "bird": (2, 1)}, {"train": "train", "test": "test"}


def stl10(root):
    folder = root / "stl10_binary"
    for seed, (side, labels) in enumerate({"train": [1, 2, 2], "test": [2, 1]}.items()):
        write(folder / f"{side}_X.bin", noise(seed, (len(labels), 3, 96, 96)).tobytes())
        write(folder / f"{side}_y.bin", bytes(labels))
    write(folder / "unlabeled_X.bin", b"")
    write(folder / "class_names.txt", b"airplane\nbird\n")
    return {"airplane": (1, 1), "bird": (2, 1)}, {"train": "train", "test": "test"}


def pets(root):
    folder = root / "oxford-iiit-pet"
    lists = {"trainval": ["Abyssinian_1", "yorkshire_terrier_2"], "test": ["Abyssinian_3", "yorkshire_terrier_4"]}
    for side, names in lists.items():
        lines = [f"{name} {1 + name.startswith('y')} 1 1" for name in names]
        write(folder / f"annotations/{side}.txt", "\n".join(lines).encode())
        for name in names:
            write(folder / f"images/{name}.jpg", encode(noise(int(name[-1]), (16, 12, 3)), "JPEG"))
    return {"Abyssinian": (1, 1), "Yorkshire Terrier": (1, 1)}, {"train": "trainval", "test": "test"}


def flowers102(root):
    folder = root / "flowers-102"
    folder.mkdir(parents=True)
    savemat(folder / "setid.mat", {"trnid": [[1, 2]], "valid": [[3, 4]], "tstid": [[5, 6, 7]]})
    savemat(folder / "imagelabels.mat", {"labels": [[1, 2, 1, 2, 2, 1, 1]]})
    for number in range(1, 8):
        write(folder / f"jpg/image_{number:05}.jpg", encode(noise(number, (16, 12, 3)), "JPEG"))
    return {"pink primrose": (2, 2), "hard-leaved pocket orchid": (2, 1)}, {"train": "train + val", "test": "test"}


def idx(array):
    return struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def mnist_like(root, name, labels):
    for seed, (side, numbers) in enumerate({"train": [0, 1, 1], "t10k": [1, 0]}.items()):
        write(root / name / f"raw/{side}-images-idx3-ubyte", idx(noise(seed, (len(numbers), 28, 28))))
        write(root / name / f"raw/{side}-labels-idx1-ubyte", idx(np.array(numbers, np.uint8)))
    return {labels[0]: (1, 1), labels[1]: (2, 1)}, {"train": "train", "test": "test"}


WRITERS = {
    "food101": food101,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "stl10": stl10,
    "pets": pets,
    "flowers102": flowers102,
    "mnist": lambda root: mnist_like(root, "MNIST", ["0 - zero", "1 - one"]),
    "kmnist": lambda root: mnist_like(root, "KMNIST", ["o", "ki"]),
    "fashionmnist": lambda root: mnist_like(root, "FashionMNIST", ["T-shirt/top", "Trouser"]),
}


def prepared(name, root, cache):
    settings = {
        "name": name,
        "set": name,
        "source": "torchvision",
        "path": root,
        "image_size": 16,
        "train_per_class": None,
        "test_per_class": None,
        "test_share": 0.2,
        "max_undecodable": 0.5,
    }
    return prepare_set(settings, cache / "prepared", cache)


@pytest.mark.usefixtures("original")
@pytest.mark.parametrize("name", SETS)
def test_the_official_split_of_each_set(name, tmp_path):
    per_class, splits = WRITERS[name](tmp_path / "root")
    facts = prepared(name, tmp_path / "root", tmp_path)
    assert {label: tuple(counts.values()) for label, counts in facts["per_class"].items()} == per_class
    assert facts["splits"] == splits
    assert facts["title"] == SETS[name].TITLE


@pytest.mark.usefixtures("original")
def test_images_are_upright_and_their_own(tmp_path):
    stl10(tmp_path)
    first = next(SETS["stl10"].read(tmp_path))
    assert np.array_equal(to_rgb(first.data), noise(0, (3, 3, 96, 96))[0].transpose(2, 1, 0))
    cifar10(tmp_path)
    first = next(SETS["cifar10"].read(tmp_path))
    assert np.array_equal(to_rgb(first.data), noise(0, (2, 3, 32, 32))[0].transpose(1, 2, 0))


@pytest.mark.usefixtures("original")
@pytest.mark.parametrize(
    ("name", "broken"),
    [("pets", "oxford-iiit-pet/images/Abyssinian_1.jpg"), ("food101", "food-101/images/waffles/2.jpg")],
)
def test_a_damaged_image_is_counted_and_a_missing_one_named(name, broken, tmp_path):
    WRITERS[name](tmp_path)
    (tmp_path / broken).write_bytes(b"\xff\xd8")
    damaged = [image for image in SETS[name].read(tmp_path) if len(image.data) < 3]
    assert len(damaged) == 1
    (tmp_path / broken).unlink()
    with pytest.raises(KeyfiltersError, match=rf"{broken} is missing; delete the set's folder"):
        list(SETS[name].read(tmp_path))


@pytest.mark.fault("prepare", "a set of torchvision cannot be downloaded", "one line names the set")
def test_a_set_that_cannot_be_downloaded_is_one_line(tmp_path, monkeypatch, original):
    def offline(self):
        raise RuntimeError("no\nroute")

    monkeypatch.setattr(original("stl10"), "download", offline)
    with pytest.raises(KeyfiltersError, match=r"STL-10: torchvision cannot have it in .* \(no route\); connect to"):
        prepared("stl10", None, tmp_path)


@pytest.mark.parametrize("name", SETS)
def test_the_digests_are_torchvisions(name, original):
    cls, pins = original(name), SETS[name].md5
    if hasattr(cls, "tgz_md5"):
        theirs = {cls.filename: cls.tgz_md5}
    elif hasattr(cls, "resources"):
        theirs = dict(cls.resources)
    elif hasattr(cls, "_file_dict"):
        theirs = dict(cls._file_dict.values())
    elif hasattr(cls, "_RESOURCES"):
        theirs = {url.rpartition("/")[2]: md5 for url, md5 in cls._RESOURCES}
    else:
        theirs = {cls._URL.rpartition("/")[2]: cls._MD5}
    assert pins == theirs
