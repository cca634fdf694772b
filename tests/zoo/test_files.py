"""Weight files that a person names: recognised by their content, in folders and archives too."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.files import format_of, weight_files
from keyfilters.zoo.readers import FORMATS, reader
from tests.helpers.formats import LAYERS, SAMPLES, save_chunks, save_onnx, save_state_dict
from tests.helpers.ncnn_files import save as save_ncnn
from tests.helpers.tfjs_files import hwio
from tests.helpers.tfjs_files import save as save_tfjs
from tests.helpers.tiny_files import pack
from tests.helpers.weight_files import checkpoint_names, save_checkpoint, save_tza


def recognised(path):
    """Name and format of each network, each of which can be read."""
    with weight_files(str(path)) as files:
        for file in files:
            for convolution in file.read().convolutions:
                assert convolution.load().shape == convolution.shape
        return [(file.name, file.format) for file in files]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_of_every_format_is_recognised_under_any_name(tmp_path, name):
    sample = SAMPLES[name]
    path = sample.save(tmp_path / "weights")
    if sample.format not in ("ncnn", "tf-checkpoint"):  # of which the other file is found by its name
        path = path.rename(path.with_name("weights"))
    assert format_of(path) == sample.format
    [(_, format)] = recognised(path)
    assert format == sample.format


@pytest.mark.parametrize("name", SAMPLES)
def test_a_network_of_several_files_is_one_network_of_its_folder_and_of_an_archive(tmp_path, name):
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    SAMPLES[name].save(folder / "deep/model")
    (folder / "notes.txt").write_text("no network")
    (folder / "package.json").write_text(json.dumps({"name": "net", "paths": [], "files": ["a"]}))
    [(of_folder, format)] = recognised(folder)
    assert format == SAMPLES[name].format
    assert of_folder.startswith("deep/")
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for archive in ("a.zip", "a.whl", "a.tar", "a.tgz"):
        assert recognised(pack(tmp_path / archive, files)) == [(of_folder, format)]


def test_every_network_of_an_archive_is_named_by_its_path(tmp_path):
    save_onnx(tmp_path / "one")
    save_state_dict(tmp_path / "two")
    files = {"a/one.onnx": (tmp_path / "one").read_bytes(), "b/two.dat": (tmp_path / "two").read_bytes()}
    archive = pack(tmp_path / "package.whl", files | {"b/code.py": b"import torch\n", "b/empty": b""})
    assert recognised(archive) == [("a/one.onnx", "onnx"), ("b/two.dat", "torch")]
    assert recognised(archive / "b/two.dat") == [("b/two.dat", "torch")]
    assert recognised(archive / "a") == [("a/one.onnx", "onnx")]
    with pytest.raises(KeyfiltersError, match=r"b/code\.py: no network in it"):
        recognised(archive / "b/code.py")
    with pytest.raises(KeyfiltersError, match="c: no network in it"):
        recognised(archive / "c")


def test_a_file_with_several_networks_names_each(tmp_path):
    library = save_tza(tmp_path / "library.so", before=b"\x7fELF" + bytes(60))
    with library.open("ab") as file:
        file.write(save_tza(tmp_path / "second").read_bytes() + b"\xd7\x41\x02\x00" + b"\xff" * 30)
    start = library.stat().st_size - (tmp_path / "second").stat().st_size - 34
    assert recognised(library) == [("library.so#0x40", "oidn-tza"), (f"library.so#{start:#x}", "oidn-tza")]


def test_a_list_of_chunks_is_not_written_to(tmp_path):
    path = save_chunks(tmp_path / "model")
    before = sorted(tmp_path.iterdir())
    assert recognised(path) == [("resources.json", "onnx-chunked")]
    assert sorted(tmp_path.iterdir()) == before


def test_the_shards_of_a_checkpoint_are_one_network(tmp_path):
    path = save_checkpoint(tmp_path / "model", checkpoint_names())
    path.with_name("model.data-00001-of-00002").write_bytes(b"the optimizer's")
    is_sibling = reader("tf-checkpoint").FORMAT.siblings(Path("m/model.data-00000-of-00002"))
    assert is_sibling("m/model.index")
    assert is_sibling("m/model.data-00001-of-00002")
    assert not is_sibling("m/model2.index")
    assert len(recognised(tmp_path)) == 1


def test_half_a_network_is_none_in_a_folder_and_says_what_is_missing_by_itself(tmp_path):
    save_ncnn(tmp_path / "net").unlink()
    with pytest.raises(KeyfiltersError, match="no network in it"):
        recognised(tmp_path)
    with pytest.raises(KeyfiltersError, match=r"net\.bin is missing beside it"):
        recognised(tmp_path / "net.param")


@pytest.mark.fault("weight file", "a folder or an archive without a weight file", "one line names the formats")
@pytest.mark.parametrize("name", ["folder", "a.zip", "a.tgz"])
def test_nothing_to_read_is_one_line(tmp_path, name):
    if name == "folder":
        (tmp_path / name).mkdir()
    else:
        pack(tmp_path / name, {"readme.txt": b"none"})
    with pytest.raises(KeyfiltersError, match=f"{name}: no network in it, in any of the weight formats caffemodel"):
        recognised(tmp_path / name)


@pytest.mark.fault(
    "weight file", "a file whose content is of no format", "read by its extension, or one line names the formats"
)
def test_what_no_format_recognises_is_read_by_its_extension(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(KeyfiltersError, match=r"broken\.onnx: not an ONNX file"):
        recognised(tmp_path / "broken.onnx")
    (tmp_path / "letter.txt").write_bytes(b"no model")
    with pytest.raises(KeyfiltersError, match=r"letter\.txt: its content is of no weight format that can be read"):
        recognised(tmp_path / "letter.txt")
    with pytest.raises(KeyfiltersError, match=r"absent\.onnx: there is no such file"):
        recognised(tmp_path / "absent.onnx")


@pytest.mark.fault("weight file", "an archive that leads out of its folder", "refused; nothing is written outside")
def test_an_archive_that_leads_out_is_refused(tmp_path):
    save_onnx(tmp_path / "net.onnx")
    archive = pack(tmp_path / "a.zip", {"../../out.onnx": (tmp_path / "net.onnx").read_bytes()})
    with pytest.raises(KeyfiltersError, match="leads out of the archive"):
        recognised(archive)


def test_links_of_an_archive_are_passed_over(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    save_onnx(folder / "net.onnx")
    (folder / "link.onnx").symlink_to("/etc/passwd")
    archive = shutil.make_archive(str(tmp_path / "a"), "gztar", folder)
    assert [name for name, _ in recognised(archive)] == ["./net.onnx"] or recognised(archive) == [("net.onnx", "onnx")]


def test_shards_that_a_manifest_lists_elsewhere_are_left_alone(tmp_path):
    path = save_tfjs(tmp_path, None, [("w", hwio(LAYERS[0]), None)])
    document = json.loads(path.read_text())
    document[0]["paths"] = ["/etc/passwd", "../net.onnx"]
    path.write_text(json.dumps(document))
    with weight_files(str(tmp_path)) as [file], pytest.raises(KeyfiltersError, match="lies outside the folder"):
        file.read()


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=50, deadline=None)
@given(data=st.binary(min_size=1, max_size=300))
def test_recognising_never_fails(tmp_path_factory, format, data):
    path = tmp_path_factory.getbasetemp() / "any.bin"
    for content in (data, b"{" + data, b"PK\x03\x04" + data, b"\x89HDF\r\n\x1a\n" + data, b"\x1f\x8b" + data):
        path.write_bytes(content)
        assert reader(format).FORMAT.recognises(path, content) in (True, False)


@pytest.mark.parametrize("format", FORMATS)
def test_a_format_says_how_its_files_are_called(format):
    extensions = reader(format).FORMAT.extensions
    assert extensions
    assert all(extension[0] == "." and extension == extension.lower() for extension in extensions)


def test_torch_is_loaded_for_its_own_files_alone(tmp_path):
    save_onnx(tmp_path / "model")
    code = (
        "import sys; from pathlib import Path; from keyfilters.zoo.files import format_of;"
        f"print(format_of(Path({str(tmp_path / 'model')!r})), 'torch' in sys.modules)"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], text=True, env=os.environ)
    assert printed.split() == ["onnx", "False"]


def test_a_layer_of_chunks_can_be_loaded_when_the_network_is_gone(tmp_path):
    path = save_chunks(tmp_path / "model")
    layers = reader("onnx-chunked").read(path, key="/models/small").convolutions
    assert np.isfinite(layers[0].load()).all()
