"""Damaged weight files of every format: never a crash, a hang, a wrong success, or code that runs.

`make fuzz` tries 2,000 of each sample, and as many of each file below the folder KEYFILTERS_WEIGHT_FILES, if it is set.
"""

import faulthandler
import os
import pickle
import shutil
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.files import WeightFile, format_of, weight_files
from keyfilters.zoo.network import Convolution, Network
from keyfilters.zoo.readers import reader
from keyfilters.zoo.weights import convolution
from tests.helpers import mutations
from tests.helpers.formats import LAYERS, SAMPLES, save_state_dict
from tests.helpers.weight_files import save_flax, save_h5, save_katago

COUNT = int(os.environ.get("KEYFILTERS_MUTATIONS", "100"))
REAL = Path(os.environ.get("KEYFILTERS_WEIGHT_FILES", "/nowhere"))


def recognised_and_read(file):
    format_of(file.path)
    return file.read()


def report(name, outcomes):
    print(f"{name}: {outcomes.refused:,} refused, {outcomes.read:,} read, {len(outcomes.faults)} faults")
    assert outcomes.faults == []
    assert outcomes.refused + outcomes.read == COUNT


@pytest.mark.fault(
    "weight file",
    "files of all 19 formats with changed bits, lengths and numbers, parts cut, removed, repeated or moved",
    "one line that names the file, or a network that the bytes can hold; in bounded time and memory, and nothing runs",
)
@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_are_refused_or_hold_what_is_read(tmp_path, name):
    sample = SAMPLES[name]
    file = WeightFile(name, sample.save(tmp_path / "model"), sample.format, sample.part)
    outcomes = mutations.outcomes(tmp_path, partial(recognised_and_read, file), sorted(tmp_path.iterdir()), COUNT)
    report(name, outcomes)
    assert outcomes.refused > COUNT / 50, "hardly anything was damaged"


def real_files():
    if not REAL.is_dir():
        return []
    with weight_files(str(REAL)) as files:
        return files


@pytest.mark.parametrize("file", real_files(), ids=lambda file: file.name)
def test_damaged_files_of_ones_own(tmp_path, file):
    folder = tmp_path / "files"
    shutil.copytree(file.path.parent, folder)
    copy = replace(file, path=folder / file.path.name)
    report(file.name, mutations.outcomes(folder, partial(recognised_and_read, copy), [copy.path], COUNT))


WEIGHT = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)


def network(weight=WEIGHT, shape=WEIGHT.shape, **facts):
    return Network((Convolution("first", shape, lambda: weight, **facts),))


def kill():
    faulthandler.disable()  # pytest's traceback of it would stand in `make fuzz` as if a damaged file had done this
    os.kill(os.getpid(), 11)


def loop():
    while True:
        pass


def run():
    os.system("true")
    raise KeyfiltersError("refused")


def refuse(text, cause=None):
    raise KeyfiltersError(text) from cause


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (kill, "the process died of SIGSEGV"),
        (loop, "the process died of SIGPROF: more than 1 s of processor time"),
        (run, "ran os.system"),
        (lambda: np.ones(1 << 30), "MemoryError"),
        (lambda: refuse("FOLDER: damaged", MemoryError()), "needs more than"),
        (lambda: {}["key"], "KeyError"),
        (lambda: refuse("two\nlines"), "an error of several lines"),
        (lambda: refuse("damaged"), "names no file"),
        (lambda: network(np.full((2, 3, 2, 2), np.nan, np.float32)), "not finite"),
        (lambda: network(shape=(3, 2, 2, 2)), "announced"),
        (lambda: network(np.arange(20_000, dtype=np.float32).reshape(200, 100, 1, 1), (200, 100, 1, 1)), "more than"),
        (lambda: network(groups=3), "2 outputs in 3 groups"),
        (lambda: network(stride=(0, 1)), "stride"),
        (lambda: network(kind="depthwise", groups=2), "depthwise of 3 inputs"),
    ],
)
def test_what_must_not_happen_is_noticed(tmp_path, monkeypatch, read, says):
    monkeypatch.setattr(mutations, "SECONDS", 1)
    path = save_flax(tmp_path / "model")
    outcomes = mutations.outcomes(tmp_path, read, [path], 2)
    assert len(outcomes.faults) == 2
    assert says in outcomes.faults[0]
    assert [f.partition(":")[0] for f in outcomes.faults] == ["seed 0", "seed 1"]


def test_free_space_of_no_bytes_in_a_heap_of_hdf5_does_not_hang(tmp_path):
    path = save_h5(tmp_path / "model.h5")
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    space = next(at for at in range(heap + 16, len(content), 8) if content[at : at + 8] == bytes(8))
    content[space + 8 : space + 16] = bytes(8)
    path.write_bytes(content)
    outcomes = mutations.outcomes(tmp_path, partial(reader("keras-h5").read, path), [], 1)
    assert (outcomes.refused, outcomes.faults) == (1, [])


@pytest.mark.parametrize("name", ["keras_version", "model_config"])
def test_an_attribute_of_keras_that_is_many_texts_is_refused(tmp_path, name):
    path = save_h5(tmp_path / "model.h5")
    with h5py.File(path, "a") as file:
        file.attrs[name] = ["{}", "{}"]
    with pytest.raises(KeyfiltersError, match=f"the attribute {name} is not one text"):
        reader("keras-h5").read(path)


FAR = pickle.dumps({"params": {}}, 2)[:-1] + pickle.LONG_BINPUT + (2**31 - 1).to_bytes(4, "little") + pickle.STOP
SHAPE = b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R."


@pytest.mark.parametrize(("content", "says"), [(FAR, "place 2,147,483,647"), (SHAPE, "wants to call numpy.ndarray")])
def test_a_pickle_of_few_bytes_that_needs_gigabytes_is_refused(tmp_path, content, says):
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    outcomes = mutations.outcomes(tmp_path, partial(reader("flax-pickle").read, path), [], 1)
    assert (outcomes.refused, outcomes.faults) == (1, [])
    with pytest.raises(KeyfiltersError, match=says):
        reader("flax-pickle").read(path)


def test_an_older_file_of_pytorch_with_a_text_of_4_gb_is_refused_before_it_is_made(tmp_path):
    path = save_state_dict(tmp_path / "model.pth", older=True)
    path.write_bytes(path.read_bytes()[:40] + pickle.BINUNICODE + b"\xff\xff\xff\x7f" + b"text")
    outcomes = mutations.outcomes(tmp_path, partial(reader("torch").read, path), [], 1)
    assert (outcomes.refused, outcomes.faults) == (1, [])


def test_a_small_file_of_katago_needs_little_memory(tmp_path):
    path = save_katago(tmp_path / "net.bin.gz", LAYERS[:1])
    outcomes = mutations.outcomes(tmp_path, partial(reader("katago").read, path), [], 1)
    assert (outcomes.read, outcomes.faults) == (1, [])


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"groups": 3}, "cannot have 2 outputs in 3 groups"),
        ({"groups": 0}, "cannot have 2 outputs in 0 groups"),
        ({"stride": (0, 1)}, r"cannot have the stride \(0, 1\)"),
        ({"stride": (1,)}, r"cannot have the stride \(1,\)"),
    ],
)
def test_groups_and_strides_that_cannot_be_are_refused(facts, says):
    with pytest.raises(KeyfiltersError, match=f"net: 'first' {says}"):
        convolution(Path("net"), "first", (2, 3, 2, 2), lambda: WEIGHT, **facts)


def test_weights_may_lie_in_files_that_are_not_damaged(tmp_path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/1").write_bytes(bytes(24))
    assert mutations.outcome_of(tmp_path, network) == "read"
    (tmp_path / "shards/1").write_bytes(bytes(23))
    assert "more than the files hold" in mutations.outcome_of(tmp_path, network)


def test_every_seed_changes_a_file_in_its_own_way(tmp_path):
    whole = {tmp_path / "a": bytes(range(256)), tmp_path / "b": b'{"size": 12}'}
    mutants = [mutations.mutated(whole, seed) for seed in range(200)]
    assert mutants == [mutations.mutated(whole, seed) for seed in range(200)]
    assert sum(one != whole for one in mutants) > 190
    assert len({tuple(one.values()) for one in mutants}) > 180


def test_make_fuzz_fails_where_a_damaged_file_does(tmp_path):
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho 1 failed\ncase "$*" in *test_mutated_files.py*) exit 1 ;; esac\n')
    python.chmod(0o755)
    makefile = Path(__file__).parents[3] / "Makefile"
    command = ["make", "--file", makefile, "--old-file", ".venv/.complete", "fuzz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "1 failed" in done.stdout
