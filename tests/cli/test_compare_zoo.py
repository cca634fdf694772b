"""`keyfilters compare-zoo` on files of one's own, against what `filterdb_zoo` keeps of a study's networks."""

import json
import shutil
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from keyfilters import cli
from keyfilters.analysis.zoo_comparison import compare, load, rank
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.single import Single
from keyfilters.results.drawing.style import STYLE
from keyfilters.results.drawing.zoo import comparison_figure
from keyfilters.results.filterdb.filterdb_zoo import filterdb_zoo
from keyfilters.zoo.network import Network
from tests.helpers.legible import faults
from tests.helpers.onnx_chains import chain
from tests.helpers.stubs import configuration
from tests.helpers.tiny_filter_study import KNOWN, FilterStudy, network

SETTINGS = {"precision": "float32", "sparse": "at_most", "sparse_share": 0.01}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """The folder of results of a study whose `filterdb_zoo` is made."""
    study = FilterStudy(tmp_path_factory.mktemp("study"))
    job = study.figure("filterdb_zoo", **SETTINGS)
    filterdb_zoo(job.description, study.root, study.results / "figures/filterdb_zoo.csv")
    return study.results


@pytest.fixture
def run(zoo, tmp_path, monkeypatch, capsys):
    """Run a subcommand beside a config.yaml, with committed results and no artifacts; gives what it prints."""
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(configuration(1, 1)))
    shutil.copytree(zoo, tmp_path / "results/tiny")
    monkeypatch.chdir(tmp_path)

    def run(*words, subcommand="compare-zoo") -> str:
        monkeypatch.setattr(sys, "argv", ["keyfilters", subcommand, "--study", "tiny", *map(str, words)])
        cli.main()
        return capsys.readouterr().out

    return run


def write(path, name):
    """A file with the filters of a network of the zoo."""
    chain(path, {convolution.name: convolution.load() for convolution in network(name).convolutions})
    return path


def test_a_network_of_the_zoo_is_its_own_nearest(zoo):
    of_study = load(zoo)
    assert len(of_study.networks) == len(KNOWN)
    for name in KNOWN:
        position = compare(Single(network(name), "mine"), of_study, 3)
        nearest = position.nearest.iloc[0]
        assert (nearest["network"], nearest["drift"]) == (name, 0)
        assert position.outside == 0
        known = of_study.networks.set_index("network").loc[name]
        for part in ("mean", "deviation"):
            np.testing.assert_allclose(position.network[part], known[part], atol=1e-12)
        for part in ("layers", "filters", "degenerated", "sparsity"):
            assert position.network[part] == pytest.approx(known[part])


def test_a_file_is_compared_without_any_artifact(run, tmp_path):
    report = json.loads(run(write(tmp_path / "mine.onnx", "four"), "--json", "--nearest", 2))
    assert report["nearest"][0]["network"] == "four"
    assert report["nearest"][0]["drift"] < 1e-9 < report["nearest"][1]["drift"]
    assert [layer["verdict"] for layer in report["layers"]][-1] == "low diversity"
    assert len(report["network"]["mean"]) == 9
    printed = " ".join(run(tmp_path / "mine.onnx").split())
    assert "3 layers of conv_3x3" in printed
    assert "of the 6 networks of tiny" in printed
    assert "Nearest networks by drift D" in printed


def test_a_state_dict_tells_no_kinds_and_is_compared_all_the_same(run, tmp_path):
    weights = {f"{layer.name}.weight": layer.load() for layer in network("four").convolutions}
    save_file(weights, tmp_path / "mine.safetensors")
    report = json.loads(run(tmp_path / "mine.safetensors", "--json", "--nearest", 1))
    assert {layer["kind"] for layer in report["layers"]} == {"unknown"}
    assert report["nearest"][0]["network"] == "four"
    assert report["nearest"][0]["drift"] < 1e-9


def test_drift_without_any_artifact_is_that_in_the_basis_of_the_zoo(run, tmp_path):
    files = [write(tmp_path / f"{name}.onnx", name) for name in ("one", "four")]
    [of_set] = json.loads(run(*files, "--json", subcommand="drift"))["sets"]
    by_zoo = json.loads(run(files[0], "--json"))["nearest"]
    assert of_set["drift"] == pytest.approx(next(row["drift"] for row in by_zoo if row["network"] == "four"))


def test_several_networks_are_drawn_and_become_a_page(run, tmp_path):
    files = [write(tmp_path / f"{name}.onnx", name) for name in ("one", "five")]
    page, picture = tmp_path / "page.html", tmp_path / "picture.png"
    printed = run(*files, "--html", page, "--png", picture)
    assert printed.count("Nearest networks by drift D") == 2
    assert page.read_text().count("Nearest networks by drift D") == 2
    assert picture.stat().st_size > 10_000


def test_an_image_of_networks_with_long_names_is_legible(zoo):
    of_study = load(zoo)
    positions = {f"{'folder/' * 20}{name}": compare(Single(network(name), name), of_study, 3) for name in KNOWN}
    with plt.rc_context(STYLE):
        assert not faults(comparison_figure(positions, of_study))


def test_layers_outside_the_bands_are_named(run, tmp_path):
    random = np.random.default_rng(1)
    drawn = {"good": random.standard_normal((16, 16, 3, 3)), "flat": np.ones((16, 16, 3, 3))}
    chain(tmp_path / "mine.onnx", {name: weight.astype(np.float32) for name, weight in drawn.items()})
    layers = json.loads(run(tmp_path / "mine.onnx", "--json"))["layers"]
    assert layers[0]["entropy_band"] == "above 95 %"
    assert "of 2 layers lie outside the 5 to 95 % of their decile" in run(tmp_path / "mine.onnx")


def test_a_rank_counts_equal_networks_half():
    assert rank(np.array([0.0, 0.0, 1.0, np.nan]), 0.0) == pytest.approx(1 / 3)
    assert np.isnan(rank(np.array([np.nan]), 0.0))


def _without_3x3(folder):
    chain(folder / "mine.onnx", {"a": np.ones((4, 4, 1, 1), np.float32)})


def _damaged(folder):
    (write(folder / "mine.onnx", "one")).write_bytes(b"no network")


def _no_table(folder):
    write(folder / "mine.onnx", "one")
    (folder / "results/tiny/figures/filterdb_zoo.json").unlink()


def _no_file_of_the_table(folder):
    write(folder / "mine.onnx", "one")
    (folder / "results/tiny/figures/filterdb_zoo.parquet").unlink()


def _damaged_table(folder):
    write(folder / "mine.onnx", "one")
    file = folder / "results/tiny/figures/filterdb_zoo.parquet"
    file.write_bytes(file.read_bytes()[:-100])


def _no_json(folder):
    write(folder / "mine.onnx", "one")
    (folder / "results/tiny/figures/filterdb_zoo.json").write_text("{")


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (_without_3x3, "no 3x3 filters of regular or depthwise or grouped convolutions"),
        (_damaged, "mine.onnx"),
        (_no_table, "filterdb_zoo.json: not there, so no networks to compare with; run `snakemake --cores all"),
        (_no_file_of_the_table, "it or a file beside it is not as it was made"),
        (_damaged_table, "it or a file beside it is not as it was made"),
        (_no_json, "filterdb_zoo.json: cannot be read"),
        (lambda folder: None, "mine.onnx: neither a file nor a network of the study"),
    ],
)
def test_what_cannot_be_compared_is_one_line(run, tmp_path, capsys, prepare, says):
    prepare(tmp_path)
    with pytest.raises(SystemExit):
        run("mine.onnx")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keyfilters compare-zoo: ")
    assert says in line


def test_no_nearest_network_at_all_is_refused(run, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(write(tmp_path / "mine.onnx", "one"), "--nearest", 0)
    assert capsys.readouterr().err == "keyfilters compare-zoo: --nearest 0: give 1 or more\n"


def test_a_network_without_filters_of_the_set_is_refused_beside_others(run, tmp_path, monkeypatch, capsys):
    _without_3x3(tmp_path)
    write(tmp_path / "one.onnx", "one")
    monkeypatch.setattr(
        sys, "argv", ["keyfilters", "compare-zoo", "--study", "tiny", "mine.onnx", "one.onnx", "--json"]
    )
    cli.main()
    printed = capsys.readouterr()
    assert json.loads(printed.out)["model"] == "one.onnx"
    assert printed.err.startswith("left out: mine.onnx: no 3x3 filters")


def test_a_network_without_any_layer_is_refused(zoo):
    with pytest.raises(KeyfiltersError, match="nothing to compare"):
        compare(Single(Network((), {}, 0, "tiny 1.0", 17), "mine"), load(zoo), 3)
