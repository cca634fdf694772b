"""The benchmark runs as the project stands and reads what the contestants log; its numbers are not tested."""

from itertools import product

import numpy as np
import pytest

from benchmarks import analysis, billion, earlier, extraction, gpu, idle, loop, parse, scale, start, step
from keyfilters.study import jobs
from keyfilters.study.study import check

OURS = "base: epoch {}/4, loss 2.300, {} images/s, 0:00:01 left"
TIMM = "Train: {} [{:>4d}/32 (100%)]  Loss: 2.3 (2.3)  Time: 0.045s, 1429.15/s  (0.059s, {}/s)  LR: 1e-4  Data: 0 (0)"

FAKE_TRAIN = """
import pathlib, sys
flags = sys.argv[1:]
assert any(pathlib.Path(flags[flags.index("--data-dir") + 1], "train").glob("*/*.png"))
assert flags[flags.index("--model") + 1] == "convnext_femto" and "conv_mlp=False" not in flags
for epoch in range(int(flags[flags.index("--epochs") + 1])):
    print(f"Train: {epoch} [   7/8 (100%)]  Time: 0.1s, 640.00/s  (0.1s,   50.00/s)", file=sys.stderr)
"""


def test_our_rate_leaves_the_first_epoch_out():
    # 2, then 1 second an epoch: the log gives means since the start.
    rates = [round(loop.IMAGES * epoch / (epoch + 1)) for epoch in range(1, 5)]
    log = "\n".join(OURS.format(epoch, f"{rate:,}") for epoch, rate in enumerate(rates, start=1))
    assert loop.rate_of_ours(log) == pytest.approx(loop.IMAGES, rel=0.01)


def test_timms_rate_is_the_mean_of_whole_epochs_without_the_first():
    rates = ["10.00", "1000.00", "1000.00", " 500.00"]
    lines = [TIMM.format(epoch, step, rate) for epoch, rate in enumerate(rates) for step in (0, 31)]
    assert loop.rate_of_timm("\n".join(lines)) == pytest.approx(750)


@pytest.mark.parametrize("rate", [loop.rate_of_ours, loop.rate_of_timm])
def test_a_log_that_cannot_be_read_is_shown(rate):
    with pytest.raises(RuntimeError, match="something else"):
        rate("something else")


def test_the_loop_runs_with_and_without_timm(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "IMAGES", 256)
    monkeypatch.setattr(loop, "EPOCHS", 2)
    monkeypatch.setattr(loop, "RIVALS", loop.RIVALS[:1])
    monkeypatch.delenv("TIMM_TRAIN", raising=False)
    assert loop.NO_TIMM in loop.report(1).notes
    (tmp_path / "train.py").write_text(FAKE_TRAIN)
    monkeypatch.setenv("TIMM_TRAIN", str(tmp_path / "train.py"))
    report = loop.report(2)
    assert loop.NO_TIMM not in report.notes
    assert report.numbers["images_per_second"][loop.RIVALS[0].name]["median"] == pytest.approx(50)
    assert report.rows[-1]["to reach"] == "2.5"


def test_the_earlier_version_has_to_be_named(monkeypatch):
    monkeypatch.delenv(earlier.VARIABLE, raising=False)
    assert earlier.report(1).notes == [earlier.NOT_RUN]


def test_what_earlier_versions_are_compared_by_is_a_study():
    study = check({"study": "mini", "studies": {"mini": earlier.STUDY}}).current
    stages = {job.stage for job in jobs.keyed(study).values()}
    assert stages >= {stage for work in earlier.WORK for stage in work.stages}


@pytest.mark.parametrize("part", [start, idle, parse])
def test_start_idle_and_parse_run(part):
    seconds = part.report(1).numbers["seconds"]
    assert (seconds["n"], len(seconds["values"])) == (1, 1)


@pytest.mark.parametrize(("study", "jobs_of_one"), [(scale.cells, 2), (scale.networks, 3)])
def test_a_large_study_runs_to_its_end(tmp_path, monkeypatch, study, jobs_of_one):
    """A transfer and its cell; an extraction, moments and histograms."""
    monkeypatch.setattr(scale, "SOURCES", 4)
    jobs = [scale.run(tmp_path / str(count), *study(count))[0] for count in (4, 16)]
    assert jobs[1] - jobs[0] == 12 * jobs_of_one


def test_extraction_runs(monkeypatch):
    monkeypatch.setattr(extraction, "MEGABYTES", 10)
    report = extraction.report(1)
    assert report.numbers.keys() == {"in the file", "external data"}
    assert all(row["n"] == 1 for row in report.rows)
    assert report.numbers["in the file"]["MB/s"]["median"] > 0


def test_as_many_filters_as_asked_for_go_through_the_analysis_and_each_pass_is_timed(monkeypatch):
    for name, rows in (("ROWS", 70_001), ("KEPT", 20_000), ("DRAWN", 10_000)):
        monkeypatch.setattr(billion, name, rows)
    numbers = billion.report(1).numbers
    seconds = numbers["seconds"]
    parts = sum(seconds[name]["wall"] for name in ("moments", "range", "histograms", "drift"))
    assert seconds["whole"]["wall"] == pytest.approx(parts)
    assert seconds["plain read"]["wall"] > 0
    assert numbers["peak_bytes"] >= 0


def test_the_analysis_runs_and_gives_the_drift_of_the_notebooks_way(tmp_path, monkeypatch):
    monkeypatch.setattr(analysis, "ROWS", 200_000)
    monkeypatch.setattr(analysis, "MODELS", 5)
    numbers = analysis.report(1).numbers
    assert numbers["times_as_fast_as_the_notebook"]["n"] == 1
    assert len(numbers["million_rows_per_second"]) == 5
    filters = analysis.draw(analysis.ROWS)
    filters.tofile(tmp_path / "filters")
    ours, theirs = analysis.whole(tmp_path / "filters"), analysis.notebook(filters)
    # The floors of empty bins differ, and drift between parts of one distribution is little more than them.
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
    assert (ours[~np.eye(analysis.GROUPS, dtype=bool)] > 1e-4).all()


def test_without_a_gpu_the_ways_to_compute_run_on_the_cpu_and_it_is_said(monkeypatch):
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    report = gpu.report(1)
    assert gpu.NO_GPU in report.notes
    assert report.numbers["device"] == "CPU"
    assert set(report.numbers["images_per_second"]) == {
        f"{precision}, {layout}, eager" for precision in ("float32", "bf16") for layout in ("NCHW", "channels_last")
    }
    assert all(number["median"] > 0 for number in report.numbers["images_per_second"].values())


def test_shares_of_a_step_are_of_the_whole_and_our_gradients_are_found(monkeypatch):
    monkeypatch.setattr(step, "STEPS", 1)
    monkeypatch.setattr(step, "PROFILED", 1)
    monkeypatch.setattr(step, "BATCH", 4)
    numbers = step.report(1).numbers
    for filters, way in product(("frozen", "trained"), ("PyTorch's", "own")):
        shares = numbers[filters][f"shares, {way}"]
        assert sum(shares.values()) == pytest.approx(1)
        assert min(shares["depthwise forward"], shares["depthwise backward"], shares["rest"]) > 0
