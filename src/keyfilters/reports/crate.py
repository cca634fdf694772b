"""`keyfilters export-crate`: results and how they came about, as a Workflow Run RO-Crate for archives and other tools.

The profile is Provenance Run Crate 0.5, https://w3id.org/ro/wfrun/provenance/0.5. Every job is a `CreateAction`: its
stage is the instrument, its inputs and results are files of the crate or are named with their SHA-256. Weights and
images stay where they are; tables, figures, cells, manifests and run records are in the crate. Nothing is computed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from keyfilters.errors import KeyfiltersError
from keyfilters.reports.study_results import Result, StudyResults
from keyfilters.store import artifacts, records, runs
from keyfilters.store.files import sha256
from keyfilters.store.identity import Job, canonical, key_of
from keyfilters.study import jobs, paths

if TYPE_CHECKING:
    from rocrate.model.entity import Entity

STAGES = (*jobs.KEYED, "cell", "filterdb")  # none reads what a later one makes; tables and figures come after all
VERSION = "1.1"  # of RO-Crate, on which the profile rests
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
TERMS = {"buildInstructions": "https://codemeta.github.io/terms/buildInstructions"}
CITATION = "CITATION.cff"
WORKFLOW = "Snakefile"
LOCK = "requirements.lock"
LOCK_FORMAT = "https://pip.pypa.io/en/stable/reference/requirements-file-format/"
PARTS = ("rules/*", "envs/*", CITATION, "LICENSE")  # of the project, beside Snakefile and config.yaml
FORMATS = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".lock": "text/plain",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".rst": "text/x-rst",
    ".sh": "application/x-sh",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}


def export_crate(study: StudyResults, project: Path, path: Path, table: str | None = None) -> list[str]:
    """Write the crate of a table, or of all tables and figures that are made, whole or not at all: to a new folder, or
    to a file if `path` ends in .zip. Returns the names of those that are left out, as they are not made.

    `project` is the folder with the workflow. Raises KeyfiltersError if the table is not made, or none is; if a file is
    not as it was recorded, or a manifest is missing; and if something stands at `path`.
    """
    if path.exists():
        raise KeyfiltersError(f"{path}: is there already; remove it or name another")
    chosen, left_out = _chosen(study, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", suffix=".partial", dir=path.parent) as partial:
        draft = Path(partial) / path.name
        crate = _Crate(study, project).of(chosen)
        if path.suffix == ".zip":
            crate.write_zip(draft)
        else:
            crate.write(draft)
        shutil.move(draft, path)
    return left_out


def _chosen(study: StudyResults, table: str | None) -> tuple[list[Result], list[str]]:
    """The results of which a crate is asked for, and the names of those that cannot be in it."""
    if table:
        jobs.known({name: output.job for name, output in study.outputs.items()}, table)
    outputs = [study.outputs[table]] if table else list(study.outputs.values())
    chosen = [output for output in outputs if output.state == "made"]
    if not chosen:
        problem, what = (f"{table}: {outputs[0].state}", table) if table else (f"{study.name}: nothing is made", "all")
        raise KeyfiltersError(f"{problem}; run `{study.command(what)}`")
    return chosen, [output.name for output in outputs if output.state != "made"]


class _Crate:
    """A crate while it is put together from the results of a study and the workflow in the folder `project`."""

    def __init__(self, study: StudyResults, project: Path) -> None:
        from rocrate.rocrate import ROCrate

        self.study, self.project = study, project
        self.crate = ROCrate(version=VERSION)
        self.crate.metadata.extra_contexts.append(CONTEXT)
        self.crate.metadata.extra_terms.update(TERMS)

    def of(self, outputs: list[Result]):
        """The whole crate of these tables and figures."""
        workflow = self._workflow()
        named = jobs.named((output.name, output.job) for output in outputs)
        self._describe(outputs)
        results = {name: self._results(name, job) for name, job in named.items()}
        tools: dict[str, Entity] = {}
        steps: dict[str, list[Entity]] = {}
        sources: dict[str, Entity] = {}
        actions = []
        for name, job in named.items():
            run = self.study.run(job)
            tool = self._tool(job, run)
            tools[tool.id] = tool
            inputs = [file for role, _ in jobs.named_inputs(job) for file in results[role]]
            read = self._sources(job)
            sources |= {source.id: source for source in read}
            action = self._action(name, job, run, tool, inputs + read, results[name])
            steps.setdefault(job.stage, []).append(action)
            actions.append(action)
        workflow["hasPart"] = list(tools.values())
        controls = [self._step(workflow, stage, of_stage) for stage, of_stage in steps.items()]
        output_files = [file for output in outputs for file in results[output.name]]
        whole = self._run_of_workflow(workflow, actions, list(sources.values()), output_files)
        engine = self._add("#snakemake", "SoftwareApplication", name="Snakemake", url="https://snakemake.github.io")
        engine_run = self._add("#run-of-snakemake", "OrganizeAction", name="Runs of Snakemake")
        engine_run["instrument"], engine_run["object"], engine_run["result"] = engine, controls, whole
        self.crate.root_dataset["mentions"] = [whole, engine_run, *actions]
        return self.crate

    def _add(self, identifier: str, kind: str, **properties: Any) -> Entity:
        """A contextual entity; what is None is left out."""
        from rocrate.model.contextentity import ContextEntity

        properties = {name: value for name, value in properties.items() if value is not None}
        return self.crate.add(ContextEntity(self.crate, identifier, properties={"@type": kind, **properties}))

    def _file(self, path: Path, destination: str, **properties: Any) -> Entity:
        """A file of the crate at `destination`, once."""
        known = self.crate.dereference(destination)
        if known:
            return known
        defaults = {"name": path.name, "sha256": sha256(path), "encodingFormat": FORMATS.get(path.suffix, "text/plain")}
        return self.crate.add_file(path, destination, properties=defaults | properties, record_size=True)

    def _workflow(self) -> Entity:
        """The main workflow, with what is read beside it."""
        for file in (WORKFLOW, "config.yaml", LOCK, CITATION):
            if not (self.project / file).is_file():
                raise KeyfiltersError(
                    f"{file}: missing, though it belongs into a crate; run this in the project's folder"
                )
        properties = {
            "name": "keyfilters",
            "sha256": sha256(self.project / WORKFLOW),
            "encodingFormat": "text/x-python",
        }
        workflow = self.crate.add_workflow(
            self.project / WORKFLOW, WORKFLOW, main=True, lang="snakemake", properties=properties, record_size=True
        )
        workflow._jsonld["@type"] = [*workflow.type, "HowTo"]
        for pattern in PARTS:
            for part in sorted(self.project.glob(pattern)):
                self._file(part, str(part.relative_to(self.project)))
        form = self._add(LOCK_FORMAT, "WebPage", name="Requirements file format of pip")
        workflow["buildInstructions"] = self._file(self.project / LOCK, LOCK, conformsTo=form)
        return workflow

    def _describe(self, outputs: list[Result]) -> None:
        """Name, licence, authors and the papers behind it, of CITATION.cff; and the profiles."""
        cited = yaml.safe_load((self.project / CITATION).read_text())
        root, name = self.crate.root_dataset, self.study.name
        what = outputs[0].title if len(outputs) == 1 else f"{len(outputs)} tables and figures"
        root["name"] = f"{what} of the study {name}"
        root["description"] = (
            f"{what} of the study `{name}` of {cited['title']}, with every job that led to them: what it read and made "
            "by SHA-256, its settings and, where that is on record, when it ran and with which software."
        )
        root["license"] = self._add(
            f"https://spdx.org/licenses/{cited['license']}", "CreativeWork", name=cited["license"]
        )
        authors = _one([self._agent(author) for author in cited["authors"]])
        root["author"] = self.crate.mainEntity["author"] = authors
        self.crate.mainEntity["version"] = str(cited["version"])
        root["citation"] = _one([self._article(reference) for reference in cited["references"]])
        root["conformsTo"] = [
            self._add(profile, "CreativeWork", name=title, version=profile.rpartition("/")[2])
            for profile, title in PROFILES.items()
        ]

    def _agent(self, author: Mapping[str, str]) -> Entity:
        """An author of CITATION.cff: a person or an entity."""
        if "name" in author:
            return self._add(f"#{author['name']}", "Organization", name=author["name"])
        name = f"{author['given-names']} {author['family-names']}"
        return self._add(author.get("orcid", f"#{name}"), "Person", name=name)

    def _article(self, reference: Mapping[str, Any]) -> Entity:
        return self._add(
            reference["url"],
            "ScholarlyArticle",
            name=reference["title"],
            author=[self._agent(author) for author in reference["authors"]],
            datePublished=str(reference["year"]),
        )

    def _results(self, name: str, job: Job) -> list[Entity]:
        """What a job made: an artifact's manifest and files, or a record and the files beside it."""
        folder = f"results/{self.study.name}"
        if job.stage in jobs.KEYED:
            path = self._manifest(job)
            try:
                held = artifacts.load_manifest(path, job.folder)
            except (OSError, ValueError) as error:
                raise KeyfiltersError(
                    f"{path}: no manifest of {job.folder} ({error}); restore it from git, or delete it and run again"
                ) from None
            for role, input_job in job.inputs.items():
                if sha256(self._manifest(input_job)) != held["inputs"].get(role):
                    raise KeyfiltersError(
                        f"{path}: was made from another {input_job.folder} than the one on record here; "
                        f"delete {self.study.root / job.folder} and run again"
                    )
            manifest = self._file(path, f"{folder}/manifests/{job.folder}.json", name=f"manifest of {job.folder}")
            return [manifest, *self._elsewhere(job, held)]
        path = paths.record(self.study.results, job.stage, name)
        if not records.is_fresh(path, job.key):
            command = self.study.command(str(path))
            raise KeyfiltersError(f"{path}: missing, changed or from other settings; run `{command}`")
        beside = [path.with_name(file) for file in records.load(path)["files"]]
        return [self._file(file, f"{folder}/{file.relative_to(self.study.results)}") for file in (path, *beside)]

    def _manifest(self, job: Job) -> Path:
        """The manifest of an artifact: its own, or the copy beside the study's tables."""
        own, copy = self.study.manifest_paths(job)
        for path in (own, copy):
            if path.is_file():
                return path
        raise KeyfiltersError(
            f"{copy}: missing; run `keyfilters manifests --study {self.study.name}` where the study was made, or "
            f"`snakemake --cores all {own} --config study={self.study.name}`"
        )

    def _elsewhere(self, job: Job, manifest: Mapping[str, Any]) -> Iterator[Entity]:
        """The files of an artifact, which are not in the crate."""
        licence = manifest["facts"].get("licence") if job.stage == "prepare" else None
        for name, digest in manifest["files"].items():
            yield self._add(
                f"#{job.folder}/{name}",
                "CreativeWork",
                name=str(Path("artifacts", self.study.name, job.folder, name)),
                description="not in the crate; `dvc pull` fetches it, or the job's command makes it again",
                sha256=digest,
                license=licence,
            )

    def _sources(self, job: Job) -> list[Entity]:
        """The package or archive that a job reads, by its digest."""
        settings = job.description["settings"]
        if job.inputs or "sha256" not in settings:
            return []
        name = settings.get("file") or f"{settings['source']} of the set {settings['set']}"
        return [self._add(f"#sha256:{settings['sha256']}", "CreativeWork", name=name, sha256=settings["sha256"])]

    def _tool(self, job: Job, run: Mapping[str, Any] | None) -> Entity:
        """The stage with its code's number and, where that is on record, its code's digest and its software."""
        version, software = job.description["version"], run["software"] if run else {}
        identity = key_of(
            {"stage": job.stage, "version": version, "software": software, "code": (run or {}).get("code")}
        )
        code = ", ".join(f"{name} {digest}" for name, digest in run["code"].items()) if run and "code" in run else ""
        needed = [
            self._add(
                f"#{package}-{number}",
                "SoftwareApplication",
                name=package,
                softwareVersion=number,
                url="https://www.python.org/" if package == "python" else f"https://pypi.org/project/{package}/",
            )
            for package, number in software.items()
            if number and package != "keyfilters"
        ]
        return self._add(
            f"#{job.stage}-{identity}",
            "SoftwareApplication",
            name=f"keyfilters {job.stage if job.stage in STAGES else 'render'}",
            softwareVersion=software.get("keyfilters"),
            description=f"version {version} of the stage {job.stage}"
            + (f"; digests of its code: {code}" if code else ""),
            softwareRequirements=needed or None,
        )

    def _action(
        self,
        name: str,
        job: Job,
        run: Mapping[str, Any] | None,
        tool: Entity,
        inputs: list[Entity],
        results: list[Entity],
    ) -> Entity:
        """The run of one job, with its run record."""
        action = self._add(
            f"#run-of-{job.folder}",
            "CreateAction",
            name=f"{job.stage} {name}",
            description=f"settings: {canonical(job.description['settings'])}",
            startTime=run["started"] if run else None,
            endTime=runs.ended(run) if run else None,
        )
        action["instrument"], action["result"] = tool, _one(results)
        if inputs:
            action["object"] = _one(inputs)
        for base in (self.study.root, self.study.results):
            record = runs.path(base, job.folder)
            if record.is_file():
                destination = str(runs.path(Path("results", self.study.name), job.folder))
                self._file(record, destination, name=f"how {job.folder} was made", about=action)
                break
        return action

    def _step(self, workflow: Entity, stage: str, actions: list[Entity]) -> Entity:
        """A rule of the workflow, and that it ran."""
        position = STAGES.index(stage) if stage in STAGES else len(STAGES)
        step = self._add(f"{WORKFLOW}#{stage}", "HowToStep", name=f"rule {stage}", position=str(position))
        step["workExample"] = _one(list(dict.fromkeys(action["instrument"] for action in actions)))
        workflow.append_to("step", step)
        control = self._add(f"#control-of-{stage}", "ControlAction", name=f"jobs of the rule {stage}")
        control["instrument"], control["object"] = step, _one(actions)
        return control

    def _run_of_workflow(
        self, workflow: Entity, actions: list[Entity], sources: list[Entity], results: list[Entity]
    ) -> Entity:
        """The run of the workflow: from its configuration and the sources of the sets and networks to `results`."""
        times = {which: [action[which] for action in actions if which in action] for which in ("startTime", "endTime")}
        whole = self._add(
            "#run",
            "CreateAction",
            name=f"study {self.study.name}",
            description="the runs of Snakemake in which the jobs ran that the results rest on",
            startTime=min(times["startTime"], default=None),
            endTime=max(times["endTime"], default=None),
        )
        config = self._file(self.project / "config.yaml", "config.yaml", name="configuration of the studies")
        whole["instrument"], whole["object"], whole["result"] = workflow, [config, *sources], _one(results)
        return whole


def _one(values: list[Any]) -> Any:
    """A property of several values, or of one, which RO-Crate wants by itself."""
    return values[0] if len(values) == 1 else values
