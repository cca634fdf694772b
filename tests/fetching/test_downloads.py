"""Files from an address: fetched once, always compared with their pin."""

import hashlib

import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.downloads import fetch


def test_a_file_is_fetched_once_and_its_digest_checked_each_time(tmp_path):
    source = tmp_path / "there" / "file.bin"
    source.parent.mkdir()
    source.write_bytes(b"words")
    digest = hashlib.sha256(b"words").hexdigest()
    file = fetch(source.as_uri(), digest, tmp_path / "here")
    assert file == tmp_path / "here/file.bin"
    source.unlink()
    assert fetch(source.as_uri(), digest, tmp_path / "here").read_bytes() == b"words"
    with pytest.raises(KeyfiltersError, match=rf"file\.bin: sha256 is {digest}, expected {'0' * 64}"):
        fetch(source.as_uri(), "0" * 64, tmp_path / "here")


@pytest.mark.fault("fetch", "a server that does not answer", "one line names the address; nothing is kept")
def test_an_address_without_an_answer_is_one_line(tmp_path):
    address = (tmp_path / "nothing.bin").as_uri()
    with pytest.raises(KeyfiltersError, match=rf"{address}: cannot be fetched \(.*\); connect to the internet"):
        fetch(address, "0" * 64, tmp_path / "here")
    assert not (tmp_path / "here/nothing.bin").exists()
