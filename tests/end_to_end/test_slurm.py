"""`snakemake --profile slurm` on a SLURM of its own: the tiny study, in which one training has a hard time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.helpers.slurm_cluster import NODES, Cluster, cluster, missing
from tests.helpers.tiny_study import PARTS, PROJECT, Study, configuration
from tests.helpers.versioned import ENVIRONMENT, pipeline

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no SLURM: {missing()}")

SITE = {  # what a site edits, and what makes a test quick
    "default-resources": {"slurm_partition": "main", "slurm_account": "research"},
    "latency-wait": 5,
    "slurm-init-seconds-before-status-checks": 1,
    "seconds-between-status-checks": 1,
}
LONG = "waves"  # the set whose base model takes long enough to be disturbed
LIMIT = 1800  # seconds after which something hangs, however busy the machine is


class OnCluster(Study):
    """A project folder whose jobs go to the cluster."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        super().__init__(folder)
        self.cluster = cluster
        self.main: subprocess.Popen | None = None

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", "--profile", "slurm", *arguments]

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.cluster.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )

    def log(self, stage: str, name: str) -> str:
        """A job's own log, as far as it is now."""
        return "".join(path.read_text() for path in (self.folder / "logs" / stage).glob(f"{name}-seed0-*.log"))

    def until(self, true, what: str) -> None:
        end = time.monotonic() + LIMIT
        while not true():
            ended = self.main is not None and self.main.poll() is not None
            assert not ended, f"{what}\n{self.printed()}"
            assert time.monotonic() < end, f"{what}\n{self.cluster.run('squeue')}"
            time.sleep(0.2)

    def printed(self) -> str:
        return (self.folder / "snakemake.log").read_text()

    @contextmanager
    def started(self, *targets: str):
        """Snakemake for the whole study, or for targets, beside the test."""
        with (self.folder / "snakemake.log").open("w") as log:
            self.main = subprocess.Popen(
                self.command(*targets), cwd=self.folder, env=self.cluster.environment, stdout=log, stderr=log
            )
        try:
            yield self.main
        finally:
            self.main.kill()
            self.main.wait()
            self.main = None

    def running(self, comment: str, not_: str = "") -> str:
        """The SLURM id of the running job with that comment, once there is one; `not_` another one."""
        ids = []

        def is_running() -> bool:
            running = (job for job in self.cluster.jobs() if job["JobState"] == "RUNNING")
            ids[:] = [job["JobId"] for job in running if comment in job.get("Comment", "") and job["JobId"] != not_]
            return bool(ids)

        self.until(is_running, f"no running job {comment}")
        return ids[-1]


def project(folder: Path) -> None:
    """The tiny study with one long training and its table small; the profile as it is, the site's block aside."""
    for part in (*PARTS, "slurm"):
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    config = configuration(folder)
    config["studies"]["tiny"]["training_of"] = {LONG: {"epochs": 400}}
    config["studies"]["tiny"]["tables"]["table2"] = {"targets": ["dots"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    profile = yaml.safe_load((folder / "slurm/config.yaml").read_text()) | SITE
    for rule in ("train", "transfer"):
        profile["set-resources"][rule] |= {"slurm_partition": "main", "gpu_model": "h100"}
    (folder / "slurm/config.yaml").write_text(yaml.safe_dump(profile))


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("slurm")) as slurm_cluster:
        yield slurm_cluster


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Study:
    """The same study, built here."""
    folder = tmp_path_factory.mktemp("local")
    project(folder)
    study = Study(folder)
    study.build()
    return study


@pytest.fixture(scope="module")
def stormy(tmp_path_factory, slurm, local) -> tuple[OnCluster, dict]:
    """The study built on the cluster while the long training is stopped by a signal and then requeued, the
    controller is restarted, and a node drained; with what was seen meanwhile."""
    folder = tmp_path_factory.mktemp("stormy") / "project"
    folder.mkdir()
    project(folder)
    study, seen = OnCluster(folder, slurm), {}
    with study.started() as main:
        _disturb(study, seen)
        seen["status"] = main.wait(LIMIT)
    slurm.run("scontrol", "update", "node=n2", "state=resume")
    seen["printed"] = study.printed()
    seen["jobs"] = slurm.jobs()
    return study, seen


def _disturb(study: OnCluster, seen: dict) -> None:
    training = f"rule_train_wildcards_train_{LONG}-seed0"  # the one whose log is read; seed 1 trains beside it
    first = study.running(training)
    study.until(lambda: "epoch 3/" in study.log("train", LONG), "the training does not start")
    study.cluster.run("scancel", "--signal=TERM", first)
    study.until(lambda: "stopped by SIGTERM" in study.log("train", LONG), "the signal does not reach the training")
    seen["after the signal"] = study.log("train", LONG)

    second = study.running(training, not_=first)
    study.until(lambda: goes_on(study.log("train", LONG)), "no second attempt")
    seen["second attempt"] = study.log("train", LONG)
    study.cluster.run("scancel", "--signal=STOP", second)  # so that it cannot end meanwhile, however fast it is
    study.cluster.stop("slurmctld")
    time.sleep(2)
    study.cluster.start_controller()
    study.until(lambda: study.cluster.answers(), "the controller does not come back")
    study.cluster.run("scontrol", "update", "node=n2", "state=drain", "reason=test")
    study.cluster.run("scontrol", "requeue", second)
    study.until(lambda: "stopped by SIGTERM" in study.log("train", LONG), "the requeued training does not stop")
    assert study.running(training) == second
    study.until(lambda: goes_on(study.log("train", LONG)), "it starts anew")
    seen["requeued"] = study.log("train", LONG)


def goes_on(log: str) -> bool:
    """Whether a training has begun from its checkpoint and was not stopped again."""
    return bool(re.search(r"going on in epoch .*\n.*epoch \d+/", log)) and "stopped by" not in log


def epoch(line: str) -> int:
    return int(re.search(r"in epoch (\d+)", line)[1])


def test_results_are_those_of_a_local_run_bit_for_bit(stormy, local):
    study, seen = stormy
    assert seen["status"] == 0, seen["printed"]
    assert study.files() == local.files()
    for weights in local.artifacts.glob("*/*/*.safetensors"):
        assert (study.artifacts / weights.relative_to(local.artifacts)).read_bytes() == weights.read_bytes(), weights


@pytest.mark.fault("SLURM", "the signal before the time limit", "a checkpoint, and the next attempt goes on from it")
def test_a_signal_ends_a_training_with_a_checkpoint_and_the_next_attempt_goes_on_from_it(stormy):
    _, seen = stormy
    stopped = epoch(seen["after the signal"].splitlines()[-1])
    assert stopped >= 3
    assert f"going on in epoch {stopped}\n" in seen["second attempt"]


@pytest.mark.fault("SLURM", "a job is requeued", "its training goes on from the checkpoint")
def test_a_requeued_training_goes_on_from_its_checkpoint(stormy):
    _, seen = stormy
    assert epoch(seen["requeued"].splitlines()[0]) > epoch(seen["second attempt"].splitlines()[0])
    assert any(job["Restarts"] == "1" for job in seen["jobs"])


@pytest.mark.fault("SLURM", "a node is drained", "nothing runs there; the study is made elsewhere")
def test_nothing_runs_on_a_drained_node(stormy):
    _, seen = stormy
    drained = max(job["StartTime"] for job in seen["jobs"] if job["Restarts"] == "1")
    later = [job for job in seen["jobs"] if job["StartTime"] > drained]
    assert later
    assert {job["NodeList"] for job in later} == {"n1"}


def test_every_job_carries_the_resources_that_its_rule_declares(stormy):
    _, seen = stormy
    declared = set(_declared(seen["printed"]))
    assert {rule for rule, *_ in declared} == {"prepare", "train", "transfer"}
    for job in seen["jobs"]:
        if known := re.match(r"rule_(prepare|train|transfer)_wildcards_\1_(\S+)", job.get("Comment", "")):
            memory = re.match(r"cpu=1,mem=(\d+)M,node=1", job["TRES"])[1]
            hours, minutes, _ = map(int, job["TimeLimit"].split(":"))
            on_gpu = job.get("TresPerJob") == "gres:gpu:h100:1"
            assert (known[1], known[2], memory, str(60 * hours + minutes), on_gpu) in declared, job
            assert on_gpu == (known[1] != "prepare")
            assert (job["Partition"], job["Account"]) == ("main", "research")
    assert {job["NodeList"] for job in seen["jobs"]} == set(NODES)


def _declared(printed: str):
    """Rule, artifact, memory in MB, minutes, and whether with a GPU, of each job that Snakemake says it runs."""
    job = r"^rule (\w+):\n(?:    .*\n)*?    wildcards: .*artifact=(\S+)\n    resources: (.*)$"
    for rule, artifact, resources in re.findall(job, printed, re.M):
        reserved = dict(part.split("=", 1) for part in resources.split(", ") if "=" in part)
        yield rule, artifact, reserved["mem_mb"], reserved["runtime"], "gpu" in reserved


def test_tables_and_the_cells_that_they_share_are_one_submission(stormy):
    _, seen = stormy
    submitted = [re.search(r"/slurm_logs/(\w+)/", job["StdOut"])[1] for job in seen["jobs"]]
    groups = sorted(name for name in submitted if name.startswith("group_"))
    assert groups == ["group_results_cell_table2_table7"]  # Table 2 reads a cell of Table 7
    assert set(submitted) - set(groups) == {"rule_prepare", "rule_train", "rule_transfer"}


def test_dvc_goes_through_slurm_with_one_variable(stormy):
    study, seen = stormy
    for part in (".gitignore", ".dvcignore", "src/keyfilters/versions.yaml"):
        (study.folder / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / part, study.folder / part)
    (study.folder / "dvc.yaml").write_text(pipeline())
    environment = ENVIRONMENT | {
        "SLURM_CONF": study.cluster.environment["SLURM_CONF"],
        "PATH": f"{study.cluster.folder / 'bin'}:{ENVIRONMENT['PATH']}",
        "SNAKEMAKE_PROFILE": "slurm",
    }

    def run(*command: str) -> None:
        done = subprocess.run(command, cwd=study.folder, env=environment, capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode == 0, done.stdout + done.stderr

    run("git", "init", "--quiet")
    run("dvc", "init", "--quiet")
    before = study.files()
    (study.results / "tables/table7.csv").unlink()
    run("dvc", "repro", "--quiet", "table7")
    assert study.files() == before
    submitted = study.cluster.jobs()[len(seen["jobs"]) :]
    assert [job["JobState"] for job in submitted] == ["COMPLETED"]


def test_small_trainings_share_a_submission_and_a_gpu(stormy, local):
    """Their sets are prepared, so it is known that they are small."""
    study, _ = stormy
    gone = [path for path in (study.artifacts / "train").iterdir() if not path.name.startswith(LONG)]
    assert len(gone) == 4  # two sets, two seeds
    for path in gone:
        shutil.rmtree(path)
    before = len(study.cluster.jobs())
    done = study.snakemake("all_train")
    assert done.returncode == 0, done.stderr
    (job,) = study.cluster.jobs()[before:]
    assert job["TresPerJob"] == "gres:gpu:h100:1"
    assert job["NumCPUs"] == "1"
    for path in gone:
        weights = path.relative_to(study.artifacts) / "model.safetensors"
        assert (study.artifacts / weights).read_bytes() == (local.artifacts / weights).read_bytes()


def without_trainings(folder: Path, local: Study, cluster: Cluster, pattern: str) -> tuple[OnCluster, list[Path]]:
    """A copy of the study that lacks some trainings, whose sets are prepared; and their manifests."""
    study = OnCluster(Path(shutil.copytree(local.folder, folder / "project")), cluster)
    absent = sorted((study.artifacts / "train").glob(f"{pattern}/manifest.json"))
    for manifest in absent:
        shutil.rmtree(manifest.parent)
    for log in (study.folder / "logs/train").iterdir():
        log.unlink()
    return study, absent


def assert_same_weights(study: OnCluster, local: Study, manifests: list[Path]) -> None:
    for manifest in manifests:
        weights = manifest.with_name("model.safetensors")
        assert weights.read_bytes() == (local.artifacts / weights.relative_to(study.artifacts)).read_bytes()


def state(manifest: Path) -> tuple[int, int, bytes]:
    """Of a finished training: which file its weights are, since when, and its manifest, whose time Snakemake renews."""
    weights = manifest.with_name("model.safetensors").stat()
    return weights.st_ino, weights.st_mtime_ns, manifest.read_bytes()


@pytest.mark.fault(
    "SLURM",
    "a group of trainings is requeued when some are finished",
    "those stay as they are, and the others are made",
)
def test_a_requeued_group_leaves_what_it_had_finished(slurm, local, tmp_path):
    study, manifests = without_trainings(tmp_path, local, slurm, "*-seed0-*")
    before = len(slurm.jobs())
    finished: dict[Path, tuple[int, int, bytes]] = {}
    with study.started("all_train") as main:
        group = study.running("small_train")
        study.until(lambda: any(path.exists() for path in manifests), "no training of the group ends")
        slurm.run("scancel", "--signal=STOP", group)  # so that the others cannot end meanwhile
        study.until(lambda: slurm.is_stopped(group), "the group goes on")
        finished.update((path, state(path)) for path in manifests if path.exists())
        slurm.run("scontrol", "requeue", group)
        assert main.wait(LIMIT) == 0, study.printed()
    assert 0 < len(finished) < len(manifests)
    (job,) = slurm.jobs()[before:]
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1")
    for path, as_it_was in finished.items():
        assert state(path) == as_it_was
    assert_same_weights(study, local, manifests)


@pytest.mark.fault(
    "SLURM",
    "a training that its time limit does not suffice for",
    "SLURM signals it before the limit; the next attempt goes on from its checkpoint, to the same bytes",
)
def test_what_its_time_limit_does_not_suffice_for_is_signalled_before_and_ends_in_the_next_attempt(
    slurm, local, tmp_path
):
    """The profile's own signal, 3 minutes before; SLURM looks at limits twice a minute."""
    study, manifests = without_trainings(tmp_path, local, slurm, f"{LONG}-seed0-*")
    before = len(slurm.jobs())
    with study.started(*(str(path.relative_to(study.folder)) for path in manifests)) as main:
        first = study.running("small_train")
        study.until(lambda: "epoch 3/" in study.log("train", LONG), "the training does not start")
        # So that it cannot end before the limit, however fast it is; SLURM wakes what it signals.
        slurm.run("scancel", "--signal=STOP", first)
        slurm.run("scontrol", "update", f"job={first}", "EndTime=now+200")
        assert main.wait(LIMIT) == 0, study.printed()
    stopped = epoch(re.search(r"stopped by SIGTERM in epoch \d+", study.printed())[0])
    assert stopped >= 3
    assert f"going on in epoch {stopped}\n" in study.log("train", LONG)
    states = [(job["JobState"], job["Restarts"]) for job in slurm.jobs()[before:]]
    assert states == [("FAILED", "0"), ("COMPLETED", "0")]
    assert_same_weights(study, local, manifests)


@pytest.fixture(scope="module")
def asking(tmp_path_factory, slurm) -> OnCluster:
    """A project of which nothing is made."""
    folder = tmp_path_factory.mktemp("asking")
    project(folder)
    return OnCluster(folder, slurm)


@pytest.mark.fault("SLURM", "a job with wrong input", "it is tried once, and not again in its submission or as another")
def test_what_somebody_has_to_mend_is_submitted_once_and_tried_once(asking, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(asking.folder, folder, ignore=shutil.ignore_patterns(".snakemake"))
    study = OnCluster(folder, asking.cluster)
    with (folder / "dots.tar").open("ab") as archive:
        archive.write(b"damage")
    before = len(study.cluster.jobs())
    assert yaml.safe_load((folder / "slurm/config.yaml").read_text())["retries"] > 0
    done = study.snakemake("all_prepare")
    assert done.returncode == 1
    assert "dots.tar: sha256 is" in done.stderr
    submitted = [job for job in study.cluster.jobs()[before:] if "prepare_dots-" in job["Comment"]]
    assert [job["JobState"] for job in submitted] == ["FAILED"]
    inside = Path(submitted[0]["StdOut"]).read_text()
    assert inside.count("returned non-zero exit status 1") == 1
    assert "Trying to restart" not in inside


@pytest.mark.fault(
    "SLURM", "a partition, account or limit that SLURM would refuse", "one line before anything is submitted"
)
@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("slurm_partition=nosuch", "slurm_partition: nosuch"),
        ("slurm_account=refused", "account refused: no such account here"),
        ("gpu_model=nosuch", "gpu_model: nosuch"),
        ("mem_mb=99000", "mem_mb of 99000, no node of partition main has more than 64000"),
        ("runtime=4000", "runtime of 4000 minutes, partition main ends jobs after 2880"),
    ],
)
def test_what_slurm_would_refuse_is_one_line_before_anything_is_submitted(asking, request_, said):
    before = len(asking.cluster.jobs())
    done = asking.snakemake("--set-resources", f"train:{request_}")
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "SLURM would not run train (" in line]
    assert len(lines) == 1
    assert said in lines[0]
    assert len(asking.cluster.jobs()) == before
    assert not asking.artifacts.exists()


@pytest.mark.fault("SLURM", "a machine without the commands of SLURM", "one line says so")
def test_no_slurm_commands_on_the_machine(asking, tmp_path):
    for name in ("bash", "which", "env", "git"):
        (tmp_path / name).symlink_to(shutil.which(name))
    done = subprocess.run(
        asking.command(), cwd=asking.folder, env=os.environ | {"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert sum("no SLURM commands here (sbatch is not found)" in line for line in done.stderr.splitlines()) == 1


@pytest.mark.fault("SLURM", "a node that does not see the project's folder", "one line says so")
def test_a_node_that_does_not_see_the_project(asking):
    """The daemon of n1 sees an empty folder in its place; n2 is drained."""
    slurm = asking.cluster
    slurm.run("scontrol", "update", "node=n2", "state=drain", "reason=test")
    slurm.stop("n1")
    hide = f'mount -t tmpfs none "{asking.folder}" && exec "$@"'
    slurm.start_node("n1", "unshare", "--mount", "sh", "-c", hide, "sh")
    try:
        asking.until(lambda: slurm.node("n1")["State"] == "IDLE", "n1 does not come back")
        done = asking.snakemake("--retries", "0", "all_prepare")
    finally:
        slurm.stop("n1")
        slurm.start_node("n1")
        slurm.run("scontrol", "update", "node=n2", "state=resume")
    assert done.returncode == 1
    assert f"left no log: does its node n1 see {asking.folder}?" in done.stderr
    assert not list(asking.artifacts.glob("*/*/manifest.json"))
