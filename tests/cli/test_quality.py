"""`keyfilters quality` on weight files, and what it says of those that have nothing to tell."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from keyfilters import cli
from keyfilters.analysis.quality import quality
from keyfilters.config.analysis import Analysis
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.single import Single
from keyfilters.zoo.network import Convolution, Network
from tests.helpers.onnx_chains import chain
from tests.helpers.tiny_files import pack


def weights(seed=0):
    random = np.random.default_rng(seed)
    drawn = {name: random.standard_normal((16, 16, size, size)) for name, size in (("a", 3), ("b", 1), ("c", 5))}
    return {name: weight.astype(np.float32) for name, weight in drawn.items()} | {
        "d": np.zeros((16, 16, 3, 3), np.float32)
    }


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a subcommand of the command line; returns what it prints."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["keyfilters", *map(str, words)])
        cli.main()
        return capsys.readouterr().out

    return run


def test_a_file_of_ones_own(tmp_path, run):
    chain(tmp_path / "model.onnx", weights())
    report = json.loads(run("quality", tmp_path / "model.onnx", "--json"))
    assert [(layer["layer"], layer["kh"], layer["filters"], layer["verdict"]) for layer in report["layers"]] == [
        ("a", 3, 256, "random"),
        ("c", 5, 256, "random"),
        ("d", 3, 256, "sparse"),
    ]
    assert report["settings"]["sparse_share"] == 0.01
    printed = " ".join(run("quality", tmp_path / "model.onnx").split())
    assert "of 3 layers 2 random, 1 sparse" in printed
    assert "L 1.26, x0 2.30, k 0.89, b -0.31" in printed
    assert "T_H of 3x3 by our fit" in printed
    assert "T_H of 5x5 by our fit" in printed


def test_an_archive_is_judged_network_by_network(tmp_path, run):
    chain(tmp_path / "one.onnx", weights())
    chain(tmp_path / "pointwise.onnx", {"b": weights()["b"]})
    names = ("one.onnx", "pointwise.onnx", "again.onnx")
    files = {f"net/{name}": (tmp_path / name.replace("again", "one")).read_bytes() for name in names}
    archive = pack(tmp_path / "package.whl", files)
    reports = json.loads(run("quality", archive, "--json"))
    assert [(model["model"], len(model["layers"])) for model in reports] == [("net/again.onnx", 3), ("net/one.onnx", 3)]
    assert run("quality", archive).count(": of 3 layers 2 random, 1 sparse") == 2


def test_one_of_several_networks_that_has_nothing_to_tell_is_a_line(tmp_path, monkeypatch, capsys):
    chain(tmp_path / "one.onnx", weights())
    chain(tmp_path / "pointwise.onnx", {"b": weights()["b"]})
    monkeypatch.setattr(sys, "argv", ["keyfilters", "quality", str(tmp_path), "--json"])
    cli.main()
    printed = capsys.readouterr()
    assert json.loads(printed.out)["model"] == "one.onnx"
    assert printed.err == (
        "left out: pointwise.onnx: no convolution with kernels of more than one weight, so no quality to tell\n"
    )


def test_a_page_and_a_picture_of_what_is_printed(tmp_path, run):
    chain(tmp_path / "model.onnx", weights())
    run("quality", tmp_path / "model.onnx", "--html", tmp_path / "page.html", "--png", tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.size[0] > 1000
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/png;base64,") == 1
    assert "of 3 layers 2 random, 1 sparse" in page
    assert "http" not in page


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.onnx", None, "absent.onnx: neither a file nor a network of the study"),
        ("weights.zip", b"", "weights.zip: its content is of no weight format that can be read: caffemodel, "),
        ("broken.onnx", b"no model", "broken.onnx"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, run, capsys, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemExit):
        run("quality", tmp_path / name)
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_a_model_without_kernels_to_judge_says_so(tmp_path, run, capsys):
    chain(tmp_path / "pointwise.onnx", {"b": weights()["b"]})
    with pytest.raises(SystemExit):
        run("quality", tmp_path / "pointwise.onnx")
    assert "no convolution with kernels of more than one weight" in capsys.readouterr().err


def test_transposed_convolutions_are_left_out_and_unknown_kinds_judged():
    def convolution(name, kind):
        weight = weights()["a"]
        return Convolution(name, weight.shape, lambda: weight, kind)

    network = Network((convolution("up", "transposed"), convolution("known", "regular"), convolution("unknown", None)))
    assert quality(Single(network, "net"), Analysis())["layer"].tolist() == ["known", "unknown"]


def test_float16_is_the_notebooks_precision():
    weight = weights()["a"] * np.float32(1e-5)  # halves have no more than a few digits there
    network = Network((Convolution("a", weight.shape, lambda: weight, "regular"),))
    paper, notebook = (quality(Single(network, "net"), Analysis(precision=p)) for p in ("float32", "float16"))
    assert 0 < abs(paper["entropy"].item() - notebook["entropy"].item()) < 0.01
    halves = weight.astype(np.float16).astype(np.float32)
    rounded = Network((Convolution("a", weight.shape, lambda: halves, "regular"),))
    assert quality(Single(rounded, "net"), Analysis())["entropy"].item() == notebook["entropy"].item()


@pytest.mark.fault("analysis", "a weight that float16 cannot hold", "one line names its layer")
def test_a_weight_too_large_for_float16_is_an_error_that_names_its_layer():
    network = Network((Convolution("large", (4, 4, 3, 3), lambda: np.full((4, 4, 3, 3), 1e5, np.float32), "regular"),))
    assert quality(Single(network, "net"), Analysis())["verdict"].tolist() == ["too few"]
    with pytest.raises(KeyfiltersError, match="layer large: weights are NaN or infinite in this precision"):
        quality(Single(network, "net"), Analysis(precision="float16"))
