"""The tables of a store, and what the command line says of it."""

import json

import pandas as pd
import pytest
import yaml

from keyfilters import cli
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.summary import check_extracted, info, ls, tables
from keyfilters.store import artifacts, records
from keyfilters.store.identity import Job
from tests.helpers.tiny_store import job, network


@pytest.fixture
def root(tmp_path):
    return tmp_path / "artifacts"


def refused(root, name, reason="model.onnx: ends early"):
    extract_job = Job("extract", name, {"format": "onnx"})
    with artifacts.write(root, extract_job.description) as draft:
        draft.facts.update(format="onnx", refused=reason)
    return extract_job


def filters_job(inputs, allow_refused=False):
    return Job("filters", "filters", {"allow_refused": allow_refused, "entries": "0"}, inputs)


def test_the_tables_and_their_record(root, tmp_path):
    inputs = {name: job(root, name, network(seed)) for seed, name in enumerate(("one", "two"))}
    tables_job = filters_job(inputs)
    record = tmp_path / "results/summary.json"
    tables(tables_job.description, root, record)
    assert records.is_fresh(record, tables_job.key)
    models = pd.read_parquet(record.with_name("models.parquet"))
    assert models["model"].tolist() == ["one", "two"]
    assert models.index.name == "model_id"
    layers = pd.read_parquet(record.with_name("layers.parquet"))
    assert layers["filter_ids"].dropna().tolist() == ["0:23", "24:31", "32:95", "96:119", "120:127", "128:191"]
    summary = pd.read_csv(record.with_name("summary.csv"))
    assert summary["filters 3x3"].tolist() == [24 + 8 + 64] * 2, "depthwise and grouped ones too"
    assert summary["regular 3x3"].tolist() == [24 + 64] * 2
    assert summary["all filters"].tolist() == [24 + 8 + 128 + 64 + 8] * 2
    assert "| task of one | 1 " in record.with_suffix(".md").read_text()


@pytest.mark.fault(
    "table", "a network that was refused, where the study allows none", "no tables; one line with the reason"
)
def test_a_refused_network_ends_the_run_with_its_reason_and_no_tables(root, tmp_path):
    inputs = {
        "one": job(root, "one", network()),
        "bad": refused(root, "bad"),
        "worse": refused(root, "worse", "a bomb"),
    }
    with pytest.raises(KeyfiltersError) as error:
        tables(filters_job(inputs).description, root, tmp_path / "summary.json")
    assert "2 of 3 networks were refused" in str(error.value)
    assert "bad: model.onnx: ends early; worse: a bomb" in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("summary*"))


def test_where_the_study_allows_it_refused_networks_are_listed(root, tmp_path):
    inputs = {"bad": refused(root, "bad"), "one": job(root, "one", network())}
    tables(filters_job(inputs, allow_refused=True).description, root, tmp_path / "summary.json")
    text = (tmp_path / "summary.md").read_text()
    assert "Refused, 1 of 2:\n\n- bad: model.onnx: ends early" in text
    summary = pd.read_csv(tmp_path / "summary.csv", index_col="model")
    assert summary.loc["bad", "refused"] == "model.onnx: ends early"
    assert pd.isna(summary.loc["bad", "filters 3x3"])
    assert pd.read_parquet(tmp_path / "models.parquet")["model"].tolist() == ["one"]


def test_only_refused_networks_are_tables_too(root, tmp_path):
    tables(filters_job({"bad": refused(root, "bad")}, allow_refused=True).description, root, tmp_path / "summary.json")
    assert len(pd.read_parquet(tmp_path / "models.parquet")) == 0


def test_a_study_without_a_zoo_is_told_so(root, tmp_path):
    with pytest.raises(KeyfiltersError, match="the study keeps no filters; name networks in its section `zoo`"):
        tables(filters_job({}).description, root, tmp_path / "summary.json")


def test_ls_says_what_is_there_and_what_is_not(root):
    jobs = {"one": job(root, "one", network()), "bad": refused(root, "bad"), "later": Job("extract", "later", {})}
    lines = ls(root, jobs).splitlines()
    assert lines[0] == "one    232 filters of 5 convolutions; left out 0"
    assert lines[1] == "bad    refused: model.onnx: ends early"
    assert lines[2] == "later  not extracted yet"


def test_info_shows_a_network_and_its_layers(root):
    jobs = {"one": job(root, "one", network()), "bad": refused(root, "bad")}
    text = info(root, jobs, "one")
    for part in (
        "Task: task of one",
        "total_filters: 104",
        "Relu: 4",
        "depthwise",
        "conv_depth_norm",
        "contact_sheet.png",
    ):
        assert part in text
    assert info(root, jobs, "bad") == "bad: refused: model.onnx: ends early"
    with pytest.raises(KeyfiltersError, match="the study has no network 'nothing'"):
        info(root, jobs, "nothing")


def test_a_network_that_is_not_in_the_store_is_said_to_be_missing_with_what_makes_it(root):
    jobs = {name: Job("extract", name, {}) for name in ("later", "much_later")}
    with pytest.raises(KeyfiltersError) as alone:
        info(root, jobs, "later")
    target = root / jobs["later"].folder / "manifest.json"
    assert str(alone.value) == (
        f"later is not in the store yet; `snakemake --cores all {target} --config study=artifacts` makes what is "
        "missing, `keyfilters pull --study artifacts` fetches what DVC has on record"
    )
    with pytest.raises(KeyfiltersError, match=r"^later and 1 more are not in the store yet; `snakemake .* filters"):
        check_extracted(root, jobs)


def test_the_verbs(root, tmp_path, monkeypatch, capsys):
    inputs = {"one": job(root, "one", network())}
    tables_job = filters_job(inputs)
    monkeypatch.setattr(
        "sys.argv", ["keyfilters", "filters", "tables", json.dumps(tables_job.description), str(root), "x.json"]
    )
    monkeypatch.chdir(tmp_path)
    cli.main()
    assert records.is_fresh(tmp_path / "x.json", tables_job.key)
    config = {"image_size": 32, "seeds": [0], "model": {"architecture": "convnext_femto"}, "datasets": {"digits": {}}}
    config |= {"training": {"epochs": 1, "batch_size": 8, "learning_rate": 0.1}, "training_of": {}, "transfer": {}}
    config |= {"tables": {}, "zoo": {"trained": ["digits"]}, "analysis": {}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"study": "s", "studies": {"s": config}}))
    monkeypatch.setattr("sys.argv", ["keyfilters", "filters", "ls"])
    cli.main()
    assert capsys.readouterr().out == "digits-seed0  not extracted yet\n"
    monkeypatch.setattr("sys.argv", ["keyfilters", "filters", "info", "nothing"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "keyfilters filters: the study has no network 'nothing'" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["keyfilters", "export-hdf5", "a.h5"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "keyfilters export-hdf5: digits-seed0 is not in the store yet" in capsys.readouterr().err
