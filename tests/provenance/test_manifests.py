"""Manifests and runs are gathered beside the tables, where `verify` does not take them for records."""

import json
import shutil

from keyfilters.provenance.manifests import copy_manifests
from keyfilters.provenance.verify import verify


def test_the_manifests_of_what_is_there_are_copied_and_older_ones_removed(workspace):
    folder = workspace.results / "manifests"
    assert copy_manifests(workspace.root, workspace.keyed.values(), workspace.results) == len(workspace.keyed)
    gone, *kept = workspace.keyed.values()
    shutil.rmtree(workspace.root / gone.folder)
    assert copy_manifests(workspace.root, workspace.keyed.values(), workspace.results) == len(kept)
    for copies in (folder, workspace.results / "runs"):
        copied = {str(path.relative_to(copies)) for path in copies.rglob("*") if path.is_file()}
        assert copied == {f"{job.folder}.json" for job in kept}
    assert json.loads((folder / f"{kept[0].folder}.json").read_text())["key"] == kept[0].key
    assert verify(workspace.root, workspace.results) == []
