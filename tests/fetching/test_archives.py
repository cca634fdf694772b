"""Reading archives in place, and what is refused."""

import tarfile
import zipfile

import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.archives import members, unpack
from tests.helpers.tiny_files import pack

FORMATS = ["set.tar", "set.tgz", "set.zip"]
FILES = {"set/a/1.png": b"one", "set/notes.txt": b"no", "set/b/2.png": b"two" * 5000}


def is_png(name):
    return name.endswith(".png")


@pytest.mark.parametrize("file", FORMATS)
def test_gives_the_wanted_files_in_order(tmp_path, file):
    extracted = list(members(pack(tmp_path / file, FILES), is_png))
    assert extracted == [("set/a/1.png", b"one"), ("set/b/2.png", b"two" * 5000)]


@pytest.mark.fault(
    "fetch", "an archive with an entry that leads out of its folder", "refused; one line names archive and entry"
)
@pytest.mark.parametrize("file", FORMATS)
@pytest.mark.parametrize("name", ["../1.txt", "/etc/1.txt", "set/../../1.png", "..\\1.png", "C:\\1.png"])
def test_refuses_an_entry_that_leads_out(tmp_path, file, name):
    path = pack(tmp_path / file, {"set/a/1.png": b"one", name: b""})
    with pytest.raises(KeyfiltersError, match="leads out of the archive") as error:
        list(members(path, is_png))
    assert str(path) in str(error.value)
    assert repr(name) in str(error.value)


@pytest.mark.fault("fetch", "a link or a device in the place of a file of a tar", "refused in one line")
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_refuses_a_wanted_link_or_device_in_a_tar(tmp_path, kind):
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        entry = tarfile.TarInfo("set/a/1.png")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(KeyfiltersError, match=r"'set/a/1\.png' is a link or a device"):
        list(members(tmp_path / "set.tar", is_png))
    assert list(members(tmp_path / "set.tar", lambda name: False)) == []


def test_refuses_a_wanted_link_in_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        entry = zipfile.ZipInfo("set/a/1.png")
        entry.create_system, entry.external_attr = 3, 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(KeyfiltersError, match=r"'set/a/1\.png' is a link or a device"):
        list(members(tmp_path / "set.zip", is_png))


@pytest.mark.fault("fetch", "an archive that is cut short", "one line names it")
@pytest.mark.parametrize("file", FORMATS)
def test_a_truncated_archive_is_named(tmp_path, file):
    path = pack(tmp_path / file, {"set/a/1.png": bytes(range(256)) * 100})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(KeyfiltersError, match="not a readable archive") as error:
        list(members(path, is_png))
    assert str(path) in str(error.value)


def test_a_file_that_is_no_archive_is_named(tmp_path):
    path = tmp_path / "set.tar"
    path.write_text("<html>404</html>")
    with pytest.raises(KeyfiltersError, match="not a readable archive"):
        list(members(path, is_png))


@pytest.mark.parametrize("file", FORMATS)
def test_unpacks_what_is_wanted_under_its_name(tmp_path, file):
    unpacked = unpack(pack(tmp_path / file, FILES), is_png, tmp_path / "out", 10_003 * 10)
    assert unpacked == ["set/a/1.png", "set/b/2.png"]
    files = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files == set(unpacked)
    assert (tmp_path / "out/set/b/2.png").read_bytes() == b"two" * 5000


@pytest.mark.fault("fetch", "an archive that unpacks to far more than it has bytes", "unpacking stops at the cap")
@pytest.mark.parametrize("file", FORMATS)
def test_a_bomb_is_not_unpacked_beyond_the_cap(tmp_path, file):
    path = pack(tmp_path / file, {"set/a/1.png": b"\0" * 5_000_000, "set/a/2.png": b""})
    assert file == "set.tar" or path.stat().st_size < 20_000
    with pytest.raises(KeyfiltersError, match=r"set/a/1\.png unpacks to more than 100,000 bytes"):
        unpack(path, is_png, tmp_path / "out", 100_000)
    assert (tmp_path / "out/set/a/1.png").stat().st_size <= 100_001


def test_the_cap_is_on_all_files_together(tmp_path):
    path = pack(tmp_path / "set.zip", {f"{i}.png": b"\0" * 600 for i in range(3)})
    assert len(unpack(path, is_png, tmp_path / "out", 1800)) == 3
    with pytest.raises(KeyfiltersError, match=r"2\.png unpacks"):
        unpack(path, is_png, tmp_path / "out", 1799)


@pytest.mark.fault("fetch", "a zip that is encrypted or of an unknown version or compression", "one line names it")
@pytest.mark.parametrize(
    ("at", "value", "reason"), [(8, 1, "encrypted"), (6, 90, "version 9.0"), (10, 99, "compression")]
)
def test_a_zip_that_cannot_be_unpacked_is_named(tmp_path, at, value, reason):
    path = pack(tmp_path / "set.zip", {"set/a/1.png": b"one"})
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + at] = content[at - 2] = value
    path.write_bytes(content)
    with pytest.raises(KeyfiltersError, match=rf"set\.zip: not a readable archive \(.*{reason}") as error:
        list(members(path, is_png))
    assert "\n" not in str(error.value)
