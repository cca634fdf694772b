"""The published form: written and read bit for bit, of any size, and without running what is pickled in it."""

import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import tables

from keyfilters.errors import KeyfiltersError
from keyfilters.filters.hdf5 import Published, export
from keyfilters.filters.store import Store, choose
from keyfilters.filters.summary import with_filter_ids
from keyfilters.zoo.network import Convolution, Network
from tests.helpers.tiny_store import job, network


def everything(filters, layers):
    return np.concatenate([block for _, block in filters.blocks(layers, 7)])


@pytest.fixture
def store(tmp_path):
    models = {name: job(tmp_path, name, network(seed)) for seed, name in enumerate(("one", "two"))}
    return Store(tmp_path, {name: extract_job.folder for name, extract_job in models.items()})


@pytest.mark.parametrize("square", [False, True])
def test_there_and_back_bit_for_bit(store, tmp_path, square):
    export(store, tmp_path / "a.h5", square=square)
    published = Published(tmp_path / "a.h5")
    chosen = choose(store.layers)
    np.testing.assert_array_equal(everything(published, published.layers), everything(store, chosen))
    for column in ("model_id", "conv_depth", "conv_depth_norm", "filters"):
        assert published.layers[column].tolist() == chosen[column].tolist()
    assert choose(published.layers).equals(published.layers)
    known = store.models.dropna(axis="columns")
    assert published.models[known.columns].astype(object).equals(known.astype(object))

    export(published, tmp_path / "b.h5", square=square)
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        assert a["filters"].shape == ((192, 3, 3) if square else (192, 9))
        assert a["filters"].dtype == np.float32
        assert a["filters"][...].tobytes() == b["filters"][...].tobytes()
    assert pd.read_hdf(tmp_path / "a.h5", "meta").equals(pd.read_hdf(tmp_path / "b.h5", "meta"))


def test_the_meta_table_is_that_of_the_published_file(store, tmp_path):
    export(store, tmp_path / "a.h5", kinds=("regular", "depthwise"))
    meta = pd.read_hdf(tmp_path / "a.h5", "meta")
    assert meta.index.names == ["model_id", "conv_depth", "conv_depth_norm", "layer_id"]
    assert meta["filter_ids"].tolist() == ["0:23", "24:31", "32:95", "96:119", "120:127", "128:191"]
    assert {"model", "producer", "op_set", "depth", "Name", "Paper", "Task", "Visual Category", "Dataset URL"} < {*meta}
    assert {"total_filters", "3x3_filter_share", "(3, 3) filters", "Conv", "Relu"} < {*meta}
    # How the authors' notebook takes the filters of a layer.
    ids = meta["filter_ids"].apply(lambda s: np.arange(int(s.split(":")[0]), 1 + int(s.split(":")[1])))
    assert np.concatenate(ids.tolist()).tolist() == list(range(192))


def test_the_tables_of_a_store_number_filters_as_the_file_does(store, tmp_path):
    export(store, tmp_path / "a.h5")
    ids = with_filter_ids(store.layers)["filter_ids"]
    assert ids.dropna().tolist() == pd.read_hdf(tmp_path / "a.h5", "meta")["filter_ids"].tolist()
    assert ids.isna().tolist() == [False, False, True, False, True] * 2


def test_models_without_a_graph_keep_their_depths_null(tmp_path):
    bare = Network(tuple(Convolution(of.name, of.shape, of.load, of.kind) for of in network().convolutions))
    store = Store(tmp_path, {"bare": job(tmp_path, "bare", bare).folder})
    export(store, tmp_path / "a.h5")
    published = Published(tmp_path / "a.h5")
    assert published.layers[["conv_depth", "conv_depth_norm"]].isna().all(axis=None)
    np.testing.assert_array_equal(everything(published, published.layers), everything(store, choose(store.layers)))


def write(path: Path, meta: pd.DataFrame, shape, dtype="float32"):
    with h5py.File(path, "w") as file:
        filters = file.create_dataset("filters", shape, dtype, chunks=(min(shape[0], 1024), *shape[1:]))
        filters[-3:] = np.arange(27).reshape(3, *shape[1:])
    meta.to_hdf(path, key="meta", mode="a")


def meta_of(*ids, **columns):
    rows = range(len(ids))
    names = ["model_id", "conv_depth", "conv_depth_norm"]
    index = pd.MultiIndex.from_tuples([(0, n, n / max(1, len(ids) - 1)) for n in rows], names=names)
    return pd.DataFrame({"filter_ids": pd.Series(ids, index, dtype=object), **columns}, index)


@pytest.mark.parametrize(("rows", "dtype"), [(1_464_797_156, "float32"), (3_000_000_000, "float64")])
def test_a_file_of_billions_of_filters_opens_and_is_read_in_constant_memory(tmp_path, rows, dtype):
    write(tmp_path / "a.h5", meta_of(f"0:{rows - 4}", f"{rows - 3}:{rows - 1}"), (rows, 9), dtype)
    assert (tmp_path / "a.h5").stat().st_size < 5_000_000
    tracemalloc.start()
    published = Published(tmp_path / "a.h5")
    assert published.layers["filters"].tolist() == [rows - 3, 3]
    label, block = next(published.blocks(published.layers, 1000))
    assert (label, block.shape) == (0, (1000, 9))
    ((_, block),) = published.blocks(published.layers.iloc[[1]])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(block, np.arange(27, dtype=np.float32).reshape(3, 9))
    assert peak < 20_000_000


def test_the_form_with_a_csv_in_bytes_is_read_too(tmp_path):
    text = meta_of("0:1", "2:4", model="a, b", Task="x").reset_index().to_csv(index=False)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["filters"] = np.arange(45, dtype=np.float32).reshape(5, 3, 3)
        file["meta"] = np.frombuffer(text.encode(), np.uint8)
    published = Published(tmp_path / "a.h5")
    assert published.layers["filters"].tolist() == [2, 3]
    assert published.models.loc[0, "model"] == "a, b"
    assert everything(published, published.layers).ravel().tolist() == list(range(45))


class _Code:
    def __reduce__(self):
        return exec, ("import pathlib; pathlib.Path('ran').write_text('')",)


@pytest.mark.fault("HDF5", "a pickle in an HDF5 file that wants to run a program", "refused; nothing runs")
@pytest.mark.parametrize("node_type", ["array", "attribute"])
def test_a_pickle_that_wants_to_run_code_is_refused_and_not_run(tmp_path, monkeypatch, node_type):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.h5", meta_of("0:2"), (3, 9))
    with tables.open_file(tmp_path / "a.h5", "a") as file:
        if node_type == "array":
            array = file.create_vlarray("/meta", "more", tables.ObjectAtom())
            array.append(_Code())
        else:
            file.root.meta._v_attrs.more = _Code()
    with pytest.raises(KeyfiltersError, match=r"a\.h5: refused, the pickle wants to run \w+\.exec in /meta"):
        Published(tmp_path / "a.h5")
    assert not Path("ran").exists()


@pytest.mark.fault("HDF5", "a published file whose tables contradict its filters", "one line names the contradiction")
@pytest.mark.parametrize(
    ("ids", "shape", "reason"),
    [
        (("0:3",), (3, 9), "names filters up to 3, but /filters has 3"),
        (("2:1",), (3, 9), "names filters up to"),
        (("0-2",), (3, 9), "filter_ids '0-2', expected `start:end`"),
        (("0:2",), (3, 27), r"/filters has the shape \(3, 27\), expected N x 9"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, ids, shape, reason):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["filters"] = np.zeros(shape, np.float32)
    meta_of(*ids).to_hdf(tmp_path / "a.h5", key="meta", mode="a")
    with pytest.raises(KeyfiltersError, match=reason) as error:
        Published(tmp_path / "a.h5")
    assert "\n" not in str(error.value)


@pytest.mark.fault("HDF5", "a file that is no HDF5 file of CNN Filter DB", "refused in one line")
def test_another_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"no HDF5")
    with pytest.raises(KeyfiltersError, match=r"a\.h5: not a file of CNN Filter DB") as error:
        Published(tmp_path / "a.h5")
    assert "\n" not in str(error.value)


@pytest.mark.fault("HDF5", "an export of no filters", "one line; no file is left")
def test_an_empty_choice_is_said_and_leaves_no_file(store, tmp_path):
    with pytest.raises(KeyfiltersError, match="no 3x3 filters of pointwise convolutions"):
        export(store, tmp_path / "a.h5", kinds=("pointwise",))
    assert not list(tmp_path.glob("*a.h5*"))
