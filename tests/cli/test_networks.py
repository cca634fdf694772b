"""`keyfilters drift` and `quality` on networks of a study and on files of one's own."""

import json
import sys

import numpy as np
import pytest
import yaml

from keyfilters import cli
from keyfilters.analysis.stages import basis, moments
from keyfilters.store import artifacts, identity
from keyfilters.study import jobs
from keyfilters.study.study import load
from tests.helpers.onnx_chains import chain
from tests.helpers.stubs import configuration
from tests.helpers.tiny_files import pack
from tests.helpers.tiny_store import job, network

SHAPES = ((16, 8, 3, 3), (16, 16, 3, 3), (8, 4, 5, 5))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a subcommand beside a config.yaml whose study has the networks one, two and refused; gives what it prints."""
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(configuration(1, 1)))
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "artifacts/tiny"
    extracts = {name: job(root, name, network(seed, SHAPES, (1, 1, 1))) for seed, name in enumerate(("one", "two"))}
    extracts["refused"] = identity.Job("extract", "refused", {"format": "onnx"})
    with artifacts.write(root, extracts["refused"].description) as draft:
        draft.facts.update(format="onnx", refused="no ONNX model")
    extracts["absent"] = identity.Job("extract", "absent", {"format": "onnx"})
    monkeypatch.setattr(jobs, "extracts", lambda study: extracts)

    def run(*words) -> str:
        monkeypatch.setattr(sys, "argv", ["keyfilters", *map(str, words)])
        cli.main()
        return capsys.readouterr().out

    return run


@pytest.fixture
def with_basis(run, tmp_path, monkeypatch):
    """As `run`, after the study's basis was made from one and two."""
    of_study = jobs.extracts
    monkeypatch.setattr(jobs, "extracts", lambda study: {name: of_study(study)[name] for name in ("one", "two")})
    study = load(tmp_path / "config.yaml").current
    root = tmp_path / "artifacts/tiny"
    for moments_job in jobs.moments(study).values():
        moments.moments(moments_job.description, root)
    basis.basis(jobs.basis(study).description, root)
    return run


def test_drift_of_two_networks_of_the_study(with_basis):
    report = json.loads(with_basis("drift", "one", "two", "--json"))
    assert report["networks"] == ["one", "two"]
    [of_set] = report["sets"]
    assert (of_set["set"], of_set["filters"], of_set["outside"]) == ("conv_3x3", [384, 384], [0, 0])
    assert of_set["drift"] == pytest.approx(np.dot(of_set["components"], of_set["weights"]))
    assert sum(of_set["weights"]) == pytest.approx(1)
    printed = " ".join(with_basis("drift", "one", "two").split())
    assert f"conv_3x3: D = {of_set['drift']:.4g}; filters: one 384, two 384" in printed
    assert json.loads(with_basis("drift", "one", "one", "--json"))["sets"][0]["drift"] == 0


def test_drift_of_a_file_of_ones_own(with_basis, tmp_path):
    # Every weight is its filter's peak: some of these filters go farther than any of the study.
    weight = np.sign(np.random.default_rng(5).standard_normal((64, 64, 3, 3))).astype(np.float32)
    chain(tmp_path / "mine.onnx", {"a": weight})
    [of_set] = json.loads(with_basis("drift", "one", tmp_path / "mine.onnx", "--json"))["sets"]
    assert of_set["filters"] == [384, 4096]
    assert of_set["outside"][0] == 0 < of_set["outside"][1] < 9 * 4096
    assert of_set["drift"] > 0
    printed = " ".join(with_basis("drift", "one", tmp_path / "mine.onnx").split())
    assert f"Outside the range of the study's histograms, not counted: 0 and {of_set['outside'][1]:,}" in printed


def test_drift_of_every_network_of_an_archive(with_basis, tmp_path):
    random = np.random.default_rng(5)
    for name in ("a.onnx", "b.onnx"):
        chain(tmp_path / name, {"a": random.uniform(-1, 1, (16, 16, 3, 3)).astype(np.float32)})
    archive = pack(tmp_path / "nets.zip", {name: (tmp_path / name).read_bytes() for name in ("a.onnx", "b.onnx")})
    report = json.loads(with_basis("drift", "one", archive, "--json"))
    assert [pair["networks"] for pair in report] == [["one", "a.onnx"], ["one", "b.onnx"]]
    alone = json.loads(with_basis("drift", "one", archive / "b.onnx", "--json"))
    assert alone["sets"] == report[1]["sets"]
    page, picture = tmp_path / "page.html", tmp_path / "picture.png"
    printed = with_basis("drift", "one", archive, "--html", page, "--png", picture)
    assert printed.count("conv_3x3: D = ") == 2
    assert page.read_text().count("conv_3x3: D = ") == 2
    assert picture.stat().st_size > 10_000


def test_quality_of_a_network_of_the_study(run):
    report = json.loads(run("quality", "one", "--json"))
    assert [layer["layer"] for layer in report["layers"]] == ["conv0", "conv1", "conv2"]
    assert [layer["verdict"] for layer in report["layers"]] == ["random", "random", "too few"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("drift", "one", "two"), "the study's basis is not made yet; run `snakemake --cores all all_basis`"),
        (("drift", "one", "three"), "three: neither a file nor a network of the study"),
        (("quality", "refused"), "refused: refused: no ONNX model"),
        (("quality", "absent"), "absent: not in the store yet; run `snakemake --cores all artifacts/tiny/extract/abs"),
    ],
)
def test_what_is_missing_is_one_line_that_says_what_to_do(run, capsys, words, says):
    with pytest.raises(SystemExit):
        run(*words)
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_a_study_without_networks_has_no_basis(run, monkeypatch, tmp_path, capsys):
    chain(tmp_path / "mine.onnx", {"a": np.ones((4, 4, 3, 3), np.float32)})
    monkeypatch.setattr(jobs, "extracts", lambda study: {})
    with pytest.raises(SystemExit):
        run("drift", tmp_path / "mine.onnx", tmp_path / "mine.onnx")
    assert "the study has no networks, so no basis" in capsys.readouterr().err
