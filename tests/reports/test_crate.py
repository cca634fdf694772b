"""`keyfilters export-crate`: other readers find all that the crate names, and the way from a table to its archives."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest
import rdflib
from rocrate.rocrate import ROCrate

from keyfilters.errors import KeyfiltersError
from keyfilters.provenance.manifests import copy_manifests
from keyfilters.reports.crate import export_crate
from keyfilters.reports.study_results import StudyResults
from keyfilters.store import runs
from keyfilters.store.identity import walk
from keyfilters.study import jobs
from keyfilters.study.study import check, load
from tests.helpers.stubs import configuration, make

PROJECT = Path(__file__).parents[2]
SCHEMA = rdflib.Namespace("http://schema.org/")
BIOSCHEMAS = "https://bioschemas.org/"
RUN = rdflib.Namespace("https://w3id.org/ro/terms/workflow-run#")
ROOT = "https://crate.test/"

# The terms of RO-Crate 1.1 and of the profile that a crate uses, as their contexts have them: a reader drops what is no
# term.
CONTEXT = {
    **{
        name: str(SCHEMA[name])
        for name in (
            *("ComputerLanguage", "ControlAction", "CreateAction", "CreativeWork", "Dataset", "HowTo", "HowToStep"),
            *("OrganizeAction", "Organization", "Person", "ScholarlyArticle", "SoftwareApplication"),
            *("SoftwareSourceCode", "WebPage", "about", "author", "citation", "contentSize", "datePublished"),
            *("description", "encodingFormat", "endTime", "hasPart", "identifier", "instrument", "license"),
            *("mainEntity", "mentions", "name", "object", "position", "programmingLanguage", "result"),
            *("softwareRequirements", "softwareVersion", "startTime", "step", "url", "version", "workExample"),
        )
    },
    "File": str(SCHEMA.MediaObject),
    "ComputationalWorkflow": f"{BIOSCHEMAS}ComputationalWorkflow",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
    "sha256": str(RUN.sha256),
    "buildInstructions": "https://codemeta.github.io/terms/buildInstructions",
}


@pytest.fixture
def study(tmp_path) -> StudyResults:
    """The tiny study of stubs."""
    tiny = check(configuration(targets=2, sources=3)).current
    make(tiny, tmp_path / "artifacts/tiny", tmp_path / "results/tiny")
    return StudyResults(tiny, "tiny", *(tmp_path / part for part in ("artifacts/tiny", "results/tiny", "logs")))


def entities(folder: Path) -> dict[str, dict]:
    """The entities of a crate as its JSON has them, by their identifiers."""
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    by_id = {entity["@id"]: entity for entity in graph}
    assert len(by_id) == len(graph)
    return by_id


def triples(folder: Path) -> rdflib.Graph:
    """The crate as another library reads it, offline."""
    metadata = json.loads((folder / "ro-crate-metadata.json").read_text())
    return rdflib.Graph().parse(
        data=json.dumps({"@context": CONTEXT, "@graph": metadata["@graph"]}), format="json-ld", base=ROOT
    )


def of_type(crate: dict[str, dict], kind: str) -> list[dict]:
    return [entity for entity in crate.values() if kind in listed(entity["@type"])]


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def references(value) -> list[str]:
    return [part["@id"] for part in listed(value) if isinstance(part, dict)]


@pytest.mark.parametrize("table", ["table2", None])
def test_every_file_is_there_with_the_digest_that_is_told(study, tmp_path, table):
    folder = tmp_path / "crate"
    assert export_crate(study, PROJECT, folder, table) == []
    files = [entity for entity in of_type(entities(folder), "File") if entity["@id"] != "ro-crate-metadata.json"]
    assert len(files) > 50
    for entity in files:
        content = (folder / entity["@id"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entity["sha256"], entity["@id"]
        assert int(entity["contentSize"]) == len(content)
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == {entity["@id"] for entity in files} | {"ro-crate-metadata.json"}


def test_every_word_is_a_term_and_every_reference_leads_somewhere(study, tmp_path):
    export_crate(study, PROJECT, tmp_path / "crate")
    crate = entities(tmp_path / "crate")
    words = {word for entity in crate.values() for word in entity if not word.startswith("@")}
    words |= {kind for entity in crate.values() for kind in listed(entity["@type"])}
    assert words <= set(CONTEXT)
    named = {reference for entity in crate.values() for value in entity.values() for reference in references(value)}
    outside = {name for name in named - set(crate) if "://" not in name}
    assert outside == set()


def test_another_reader_finds_the_way_from_the_table_to_the_archives(study, tmp_path):
    export_crate(study, PROJECT, tmp_path / "crate", "table2")
    graph = triples(tmp_path / "crate")
    action_of = {result: action for action, result in graph.subject_objects(SCHEMA.result) if "#run-of-" in action}
    workflow = graph.value(rdflib.URIRef(ROOT), SCHEMA.mainEntity)
    assert (workflow, rdflib.RDF.type, rdflib.URIRef(f"{BIOSCHEMAS}ComputationalWorkflow")) in graph
    waiting, seen = [rdflib.URIRef(f"{ROOT}results/tiny/tables/table2.csv")], set()
    while waiting:
        action = action_of.get(waiting.pop())
        if action and action not in seen:
            seen.add(action)
            tool = graph.value(action, SCHEMA.instrument)
            assert (workflow, SCHEMA.hasPart, tool) in graph
            waiting += graph.objects(action, SCHEMA.object)
    jobs_of_table = {job.folder for job in _rested_on(study, "table2")}
    assert {str(action).removeprefix(f"{ROOT}#run-of-") for action in seen} == jobs_of_table
    read = {graph.value(entity, RUN.sha256) for action in seen for entity in graph.objects(action, SCHEMA.object)}
    assert {str(digest) for digest in read if digest} >= {dataset.sha256 for dataset in study.study.sets.values()}


def _rested_on(study: StudyResults, table: str):
    return walk([jobs.tables(study.study)[table]])


def test_runs_are_told_with_start_end_software_and_what_they_wrote(study, tmp_path):
    training = next(job for job in jobs.keyed(study.study).values() if job.stage == "train")
    run = {"started": "2026-01-01T10:00:00+00:00", "ended": "2026-01-01T11:00:00+00:00", "seconds": 7200}
    run |= {"hardware": "a CPU", "software": {"python": "3.11.7", "keyfilters": "0.1.0", "torch": "2.0"}}
    (study.root / "runs" / f"{training.folder}.json").write_text(json.dumps(run))
    export_crate(study, PROJECT, tmp_path / "crate")
    crate = entities(tmp_path / "crate")
    action = crate[f"#run-of-{training.folder}"]
    assert (action["startTime"], action["endTime"]) == (run["started"], run["ended"])
    timed = [other for other in of_type(crate, "CreateAction") if "startTime" in other]
    assert len(timed) > len(jobs.keyed(study.study))
    assert all(other["startTime"] <= other["endTime"] for other in timed)
    tool = crate[action["instrument"]["@id"]]
    assert tool["name"] == "keyfilters train"
    assert {(crate[of]["name"], crate[of]["softwareVersion"]) for of in references(tool["softwareRequirements"])} == {
        ("python", "3.11.7"),
        ("torch", "2.0"),
    }
    manifest = json.loads((study.root / training.folder / "manifest.json").read_text())
    results = [crate[of] for of in references(action["result"])]
    assert {result["sha256"] for result in results} >= set(manifest["files"].values())
    held = [crate[of] for of in references(action["object"])]
    assert {artifact["sha256"] for artifact in held} >= set(manifest["inputs"].values())


def test_steps_are_in_the_order_in_which_they_need_each_other(study, tmp_path):
    export_crate(study, PROJECT, tmp_path / "crate")
    crate = entities(tmp_path / "crate")
    steps = {step["name"].removeprefix("rule "): int(step["position"]) for step in of_type(crate, "HowToStep")}
    assert set(references(crate["Snakefile"]["step"])) == {step["@id"] for step in of_type(crate, "HowToStep")}
    for job in _rested_on(study, "table2"):
        assert all(steps[needed.stage] < steps[job.stage] for needed in job.inputs.values())


def test_the_package_for_crates_reads_it_from_a_file_with_authors_licence_and_papers(study, tmp_path):
    export_crate(study, PROJECT, tmp_path / "crate.zip", "table7")
    with zipfile.ZipFile(tmp_path / "crate.zip") as file:
        assert file.testzip() is None
    crate = ROCrate(tmp_path / "crate.zip")
    assert crate.mainEntity.id == "Snakefile"
    root = crate.root_dataset
    assert root["author"]["name"] == "The keyfilters authors"
    assert root["license"].id == "https://spdx.org/licenses/Apache-2.0"
    assert {paper["name"].partition(":")[0] for paper in root["citation"]} == {
        "The Master Key Filters Hypothesis",
        "CNN Filter DB",
    }
    assert "https://w3id.org/ro/wfrun/provenance/0.5" in {profile.id for profile in root["conformsTo"]}
    (engine,) = [entity for entity in crate.get_entities() if entity.type == "OrganizeAction"]
    assert engine["result"].id == "#run"
    assert {result.id for result in crate.dereference("#run")["result"]} >= {"results/tiny/tables/table7.csv"}


def test_results_whose_artifacts_are_elsewhere_have_a_crate_too(tmp_path):
    study = load(PROJECT / "config.yaml", "mini").current
    folders = (tmp_path / "none", PROJECT / "results/mini", tmp_path / "none")
    export_crate(StudyResults(study, "mini", *folders), PROJECT, tmp_path / "crate", "table7")
    crate = entities(tmp_path / "crate")
    assert {entity["name"] for entity in of_type(crate, "HowToStep")} == {
        *("rule prepare", "rule train", "rule cell", "rule table7"),
    }


def test_runs_without_a_noted_end_took_their_seconds():
    assert runs.ended({"started": "2026-01-01T10:00:59+00:00", "seconds": 61.4}) == "2026-01-01T10:02:00+00:00"


def test_what_is_not_made_is_told_with_the_command_that_makes_it(study, tmp_path):
    folder = tmp_path / "crate"
    (study.results / "tables/table2.json").unlink()
    with pytest.raises(
        KeyfiltersError, match=r"^table2: not made; run `snakemake --cores all table2 --config study=tiny`$"
    ):
        export_crate(study, PROJECT, folder, "table2")
    with pytest.raises(KeyfiltersError, match=r"the study has no tabel7; .* table7"):
        export_crate(study, PROJECT, folder, "tabel7")
    assert not folder.exists()
    assert export_crate(study, PROJECT, folder) == ["table2"]


def test_nothing_is_made(tmp_path):
    study = check(configuration(targets=1, sources=1)).current
    with pytest.raises(KeyfiltersError, match=r"^tiny: nothing is made; run `snakemake --cores all all "):
        export_crate(StudyResults(study, "tiny", tmp_path, tmp_path, tmp_path), PROJECT, tmp_path / "crate")


def test_what_is_damaged_missing_or_in_the_way_is_told_and_nothing_is_written(study, tmp_path):
    folder = tmp_path / "crate"
    training = next(job for job in jobs.keyed(study.study).values() if job.stage == "train")
    csv = study.results / "tables/table7.csv"
    kept = csv.read_text()
    csv.write_text("other\n")
    with pytest.raises(KeyfiltersError, match=r"table7\.json: missing, changed or from other settings; run `snakemake"):
        export_crate(study, PROJECT, folder)
    csv.write_text(kept)
    prepared = study.root / training.inputs["dataset"].folder / "manifest.json"
    other = json.loads(prepared.read_text())
    prepared.write_text(json.dumps(other | {"facts": {}}))
    with pytest.raises(KeyfiltersError, match="was made from another prepare/"):
        export_crate(study, PROJECT, folder)
    shutil.rmtree(study.root / training.folder)
    with pytest.raises(KeyfiltersError, match="missing; run `keyfilters manifests --study tiny`"):
        export_crate(study, PROJECT, folder)
    assert not folder.exists()
    assert not list(tmp_path.glob(".crate*"))
    folder.mkdir()
    with pytest.raises(KeyfiltersError, match="crate: is there already; remove it or name another"):
        export_crate(study, PROJECT, folder)


@pytest.mark.fault("report", "a manifest is cut, or is JSON of something else", "one line names it; no crate")
@pytest.mark.parametrize("is_copy", [False, True])
@pytest.mark.parametrize("content", ["{", "[]", '{"files": {}, "inputs": {}, "facts": {}}', "manifest of another"])
def test_a_damaged_manifest_is_named_and_nothing_is_written(study, tmp_path, content, is_copy):
    training, other, *_ = (job for job in jobs.keyed(study.study).values() if job.stage == "train")
    if content == "manifest of another":
        content = (study.root / other.folder / "manifest.json").read_text()
    path = study.root / training.folder / "manifest.json"
    if is_copy:
        copy_manifests(study.root, jobs.keyed(study.study).values(), study.results)
        shutil.rmtree(study.root)
        path = study.results / f"manifests/{training.folder}.json"
    path.write_text(content)
    with pytest.raises(
        KeyfiltersError, match=rf"^{path}: no manifest of {training.folder} \(.*\); restore it"
    ) as error:
        export_crate(study, PROJECT, tmp_path / "crate", "table7")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "crate").exists()


def test_a_folder_without_the_workflow_gives_no_crate(study, tmp_path):
    with pytest.raises(KeyfiltersError, match=r"^Snakefile: missing, though it belongs into a crate"):
        export_crate(study, tmp_path, tmp_path / "crate")
