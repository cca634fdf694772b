"""DomainNet's sketches and ImageNet, on tiny files in each original's own layout."""

import hashlib

import numpy as np
import pytest
from scipy.io import savemat

from keyfilters.datasets.prepare import prepare_set
from keyfilters.errors import KeyfiltersError
from keyfilters.sources import domainnet, imagenet
from tests.helpers.tiny_files import encode, noise, pack


def prepared(source, path, cache, **changes):
    settings = {
        "name": "images",
        "set": "sketch",
        "source": source,
        "path": path,
        "sha256": None,
        "image_size": 8,
        "train_per_class": None,
        "test_per_class": None,
        "test_share": 0.2,
        "max_undecodable": 0,
    }
    return prepare_set(settings | changes, cache / "prepared", cache)


def counted(facts):
    return {label: tuple(counts.values()) for label, counts in facts["per_class"].items()}


@pytest.fixture
def sketches(tmp_path, monkeypatch):
    """The three files of DomainNet's sketches, tiny, and their digests as pins; returns their folder."""
    folder = tmp_path / "domainnet"
    folder.mkdir()
    sides = {"train": ["ant/a_1", "ant/a_2", "yoga/b_1"], "test": ["ant/a_3", "yoga/b_2"]}
    names = [name for side in sides.values() for name in side]
    pack(folder / "sketch.zip", {f"sketch/{name}.jpg": encode(noise(i), "JPEG") for i, name in enumerate(names)})
    for side, listed in sides.items():
        lines = "".join(f"sketch/{name}.jpg {int(name[0] == 'y')}\n" for name in listed)
        (folder / f"sketch_{side}.txt").write_text(lines)
    repin(folder, monkeypatch)
    return folder


def repin(folder, monkeypatch):
    pins = {
        address: hashlib.sha256((folder / address.rpartition("/")[2]).read_bytes()).hexdigest()
        for address in domainnet.FILES
    }
    monkeypatch.setattr(domainnet, "FILES", pins)


def test_the_sketches_of_domainnet_are_split_as_its_lists_say(sketches, tmp_path):
    facts = prepared("domainnet", sketches, tmp_path)
    assert counted(facts) == {"ant": (2, 1), "yoga": (1, 1)}
    assert facts["splits"] == {"train": "sketch_train.txt", "test": "sketch_test.txt"}


def test_a_listed_sketch_that_the_archive_lacks_is_named(sketches, tmp_path, monkeypatch):
    with (sketches / "sketch_test.txt").open("a") as file:
        file.write("sketch/zebra/c_1.jpg 2\n")
    repin(sketches, monkeypatch)
    with pytest.raises(KeyfiltersError, match=r"sketch\.zip: 1 listed images are missing, sketch/zebra/c_1\.jpg"):
        prepared("domainnet", sketches, tmp_path)


def test_a_published_file_with_another_digest_is_refused(sketches, tmp_path):
    (sketches / "sketch_test.txt").write_text("")
    with pytest.raises(KeyfiltersError, match=r"sketch_test\.txt: sha256 is [0-9a-f]{64}, expected"):
        prepared("domainnet", sketches, tmp_path)


WNIDS = ("n01440764", "n02666196", "n04613696")


def image(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(noise(seed), "JPEG"))


@pytest.fixture
def imagenet_root(tmp_path):
    """ImageNet's training folders and flat validation, three classes, with its development kit."""
    root = tmp_path / "imagenet"
    for number, wnid in enumerate(WNIDS):
        for image_number in range(2):
            image(root / f"train/{wnid}/{wnid}_{image_number}.JPEG", 10 * number + image_number)
        image(root / f"val/ILSVRC2012_val_{number + 1:08}.JPEG", 90 + number)
    data = root / "ILSVRC2012_devkit_t12/data"
    data.mkdir(parents=True)
    # The kit's own numbers are not in the order of the ids, and it lists groups of classes beside classes.
    rows = [(3, WNIDS[0]), (1, WNIDS[1]), (2, WNIDS[2]), (1001, "n00001740")]
    synsets = np.array(rows, dtype=[("ILSVRC2012_ID", "O"), ("WNID", "O")])
    savemat(data / "meta.mat", {"synsets": synsets.reshape(-1, 1)})
    (data / "ILSVRC2012_validation_ground_truth.txt").write_text("3\n2\n1\n")
    return root


def test_imagenets_flat_validation_has_the_classes_of_the_kit(imagenet_root, tmp_path):
    facts = prepared("imagenet", imagenet_root, tmp_path)
    assert counted(facts) == dict.fromkeys(WNIDS, (2, 1))
    assert facts["splits"] == {"train": "train", "test": "val"}
    labels = {p.name: p.label for p in imagenet.read(imagenet_root) if p.split == "test"}
    assert labels["val/ILSVRC2012_val_00000002.JPEG"] == WNIDS[2]


def test_imagenets_validation_may_lie_in_folders_of_classes(imagenet_root, tmp_path):
    flat = prepared("imagenet", imagenet_root, tmp_path / "flat")
    for number, wnid in enumerate((WNIDS[0], WNIDS[2], WNIDS[1]), start=1):
        name = f"ILSVRC2012_val_{number:08}.JPEG"
        (imagenet_root / "val" / wnid).mkdir()
        (imagenet_root / "val" / name).rename(imagenet_root / "val" / wnid / name)
    (imagenet_root / "ILSVRC2012_devkit_t12/data/meta.mat").unlink()
    sorted_ = prepared("imagenet", imagenet_root, tmp_path / "sorted")
    assert sorted_ == flat
    arrays = "prepared/arrays.safetensors"
    assert (tmp_path / "flat" / arrays).read_bytes() == (tmp_path / "sorted" / arrays).read_bytes()


def test_some_classes_of_imagenet_are_a_set(imagenet_root, tmp_path):
    facts = prepared("imagenet", imagenet_root, tmp_path, classes=WNIDS[:2], title="Half")
    assert (facts["classes"], facts["title"]) == (list(WNIDS[:2]), "Half")


def test_the_listing_is_recorded_and_may_be_pinned(imagenet_root, tmp_path):
    digest = prepared("imagenet", imagenet_root, tmp_path)["listing_sha256"]
    assert prepared("imagenet", imagenet_root, tmp_path, sha256=digest)["listing_sha256"] == digest
    (imagenet_root / f"train/{WNIDS[0]}/{WNIDS[0]}_0.JPEG").unlink()
    with pytest.raises(
        KeyfiltersError, match=rf"its listing is [0-9a-f]{{64}}, expected {digest}; complete the folder"
    ):
        prepared("imagenet", imagenet_root, tmp_path, sha256=digest)


def test_an_imagenet_folder_without_its_parts_is_one_line(imagenet_root, tmp_path):
    (imagenet_root / "ILSVRC2012_devkit_t12/data/meta.mat").unlink()
    with pytest.raises(
        KeyfiltersError, match=r"devkit_t12/data: its lists.* cannot be read .*; unpack the development"
    ):
        prepared("imagenet", imagenet_root, tmp_path)
    with pytest.raises(KeyfiltersError, match=r"nowhere/train: no \*/\*\.JPEG; correct `path`"):
        prepared("imagenet", tmp_path / "nowhere", tmp_path)


def test_an_image_that_the_kit_does_not_list_is_named(imagenet_root, tmp_path):
    image(imagenet_root / "val/holiday.JPEG", 5)
    with pytest.raises(KeyfiltersError, match=r"val/holiday\.JPEG: not in the list of validation images"):
        prepared("imagenet", imagenet_root, tmp_path)
