"""The six recipes of CONTRIBUTING.md, each followed in a copy of the project: what they name is all that it takes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
RECIPES = (PROJECT / "CONTRIBUTING.md").read_text()


class Copy:
    """A copy of the project in which one thing is added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.touched: set[str] = set()
        for part in ("src", "rules", "tests", "profiles"):
            shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        for file in ("Snakefile", "config.yaml", "dvc.yaml", "pyproject.toml"):
            shutil.copy(PROJECT / file, folder / file)

    def add(self, file: str, text: str) -> None:
        self.touched.add(file)
        assert not (self.folder / file).exists()
        (self.folder / file).write_text(text)

    def change(self, file: str, before: str, after: str) -> None:
        self.touched.add(file)
        path = self.folder / file
        text = path.read_text()
        assert before in text, (file, before)
        path.write_text(text.replace(before, after, 1))

    def append(self, file: str, text: str) -> None:
        self.touched.add(file)
        with (self.folder / file).open("a") as opened:
            opened.write(text)

    def python(self, program: str) -> str:
        environment = os.environ | {"PYTHONPATH": f"{self.folder / 'src'}{os.pathsep}{self.folder}"}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def copy(tmp_path) -> Copy:
    return Copy(tmp_path / "project")


def named_by(recipe: str) -> list[re.Pattern[str]]:
    """The files that a recipe names, with `<...>` for any name."""
    section = RECIPES.split(f"\n## {recipe}\n")[1].split("\n## ")[0]
    files = re.findall(r"^\d\. (?:A test in )?`([^`]+)`", section, re.MULTILINE)
    return [re.compile(re.sub(r"<\w+>", r"\\w+", file.replace(".", r"\."))) for file in files]


def assert_that_all_is_named(copy: Copy, recipe: str) -> None:
    patterns = named_by(recipe)
    assert patterns
    assert not [file for file in copy.touched if not any(pattern.match(file) for pattern in patterns)]


READER = """
from keyfilters.fetching.packages import Package
from keyfilters.sources.image import SourceImage

PACKAGE = Package("npm", "coins", "1.0.0", "coins-1.0.0.tgz", "0" * 64)
TITLE, DOMAIN, LICENCE, FIT = "Coins", "photographs of coins", "MIT", "crop"


def read(path):
    yield SourceImage(b"", "penny", name="1", group="1")
"""


def test_a_data_set(copy):
    copy.add("src/keyfilters/sources/package_sets/coins.py", READER)
    copy.change("config.yaml", "      emoji: {test_share: 0.5}\n", "      emoji: {test_share: 0.5}\n      coins: {}\n")
    digest = copy.python(
        "import yaml; from keyfilters.study import jobs; from keyfilters.study.study import check\n"
        "study = check(yaml.safe_load(open('config.yaml'))).studies['mini']\n"
        "print(jobs.prepare(study, 'coins').settings['sha256'])"
    )
    assert digest == "0" * 64
    assert_that_all_is_named(copy, "A data set that a package carries")


SOURCE = """
import sys
from pathlib import Path

from keyfilters.sources.image import SourceImage
from keyfilters.sources.reading import Opened

SETS = ("stamps",)
TITLE, DOMAIN, LICENCE, FIT = "Stamps", "stamps", "MIT", "crop"


def check(dataset):
    if dataset.path is None:
        raise ValueError("`source: museum` needs `path`")


def identity(name):
    return {"edition": 1}


def open_set(settings, cache):
    return Opened(sys.modules[__name__], Path(settings["path"]))


def read(path):
    for label in ("red", "blue"):
        for number in range(6):
            pixels = np.full((8, 8), 20 * number + (label == "red"), np.uint8)
            yield SourceImage(pixels, label, name=f"{label}{number}", group=f"{label}{number}")


import numpy as np
"""


def test_a_source_of_sets(copy):
    copy.add("src/keyfilters/sources/museum.py", SOURCE)
    copy.change("src/keyfilters/sources/__init__.py", '"imagenet")', '"imagenet", "museum")')
    entry = "      stamps: {source: museum, path: stamps}\n      emoji: {test_share: 0.5}\n"
    copy.change("config.yaml", "      emoji: {test_share: 0.5}\n", entry)
    copy.touched.discard("config.yaml")  # what any set needs
    title = copy.python(
        "import yaml; from pathlib import Path; from keyfilters.study import jobs\n"
        "from keyfilters.datasets.prepare import prepare; from keyfilters.store import artifacts\n"
        "from keyfilters.study.study import check\n"
        "study = check(yaml.safe_load(open('config.yaml'))).studies['mini']\n"
        "job = jobs.prepare(study, 'stamps')\n"
        "prepare(job.description, Path('artifacts'), path=Path('stamps'))\n"
        "print(artifacts.read(Path('artifacts'), job.folder).facts['title'], job.settings['edition'])"
    )
    assert title == "Stamps 1"
    assert_that_all_is_named(copy, "A source of sets")


NETWORK = """
from torch import nn


def build_tower(name, num_classes, width=1.0):
    channels = int(8 * width)
    layers = [nn.Conv2d(3, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))
"""
ENTRY = """    "tower2": Architecture(
        title="Tower-2",
        builder="keyfilters.models.tower:build_tower",
        arguments={"width": PositiveFloat},
        readings=lambda arguments, size: [Reading(size, 3, 1, 1)] * 2,
    ),
    "yosinski8": Architecture("""


def test_an_architecture(copy):
    copy.add("src/keyfilters/models/tower.py", NETWORK)
    copy.change("src/keyfilters/models/registry.py", '    "yosinski8": Architecture(', ENTRY)
    models = "      resnet50: {architecture: resnet50, channels: [8, 16, 32, 64]}\n"
    copy.change("config.yaml", models, models + "      tower: {architecture: tower2, width: 2}\n")
    sizes = copy.python(
        "import yaml; from keyfilters.models.build import build; from keyfilters.models.convolutions import main_path\n"
        "from keyfilters.models.registry import layer_count; from keyfilters.study.study import check\n"
        "model = check(yaml.safe_load(open('config.yaml'))).studies['mini'].models['tower']\n"
        "print(len(main_path(build(model.key_fields, 5))), layer_count('tower2', {}))"
    )
    assert sizes == "2 2"
    assert_that_all_is_named(copy, "An architecture")


FORMAT = '''"""Three by three filters as text, for a test."""

import numpy as np

from keyfilters.zoo.format import Format, begins_with
from keyfilters.zoo.network import Network
from keyfilters.zoo.weights import convolution, reader

FORMAT = Format(extensions=(".kernels",), recognises=begins_with(b"KERNELS"))


@reader("kernels")
def read(path):
    values = np.loadtxt(path, skiprows=1, dtype=np.float32).reshape(-1, 1, 3, 3)
    return Network((convolution(path, "all", values.shape, lambda: values),))
'''


def test_a_weight_format(copy):
    copy.add("src/keyfilters/zoo/readers/kernels.py", FORMAT)
    copy.change("src/keyfilters/versions.yaml", "readers:\n", "readers:\n  kernels: 1\n")
    (copy.folder / "net.txt").write_text("KERNELS\n" + "\n".join(map(str, range(18))) + "\n")
    printed = copy.python(
        "from keyfilters.cli import main; import sys; sys.argv = ['keyfilters', 'quality', 'net.txt', '--json']; main()"
    )
    assert '"filters": 2' in printed
    assert_that_all_is_named(copy, "A weight format")


TABLE = '''

class Table8(Sets):
    """Accuracy of the base models, once more."""

    name = "table8"
    caption = "Accuracy of the base models, once more."

    def inputs(self, study: Study) -> dict[str, Job]:
        return {dataset: base_cell(study, dataset) for dataset in self.datasets or study.whole_sets}
'''
RENDERER = """from keyfilters.results.drawing import cells


def table8(description, file):
    records = cells.load(description, file.parents[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\\n".join(f"{record['mean']:.1f}" for record in records))
"""


def stage_of(table: str, paths: str) -> str:
    """The stage of Table 7 in dvc.yaml, for another table."""
    text = (PROJECT / paths).read_text()
    stage = re.search(r"^  table7:\n(?:(?:    .*)?\n)+", text, re.MULTILINE)[0]
    kept = [line for line in stage.replace("table7", table).splitlines() if f"{table}.paper.csv" not in line]
    return "\n".join(kept) + "\n\n"


def test_a_table_of_cells(copy):
    copy.append("src/keyfilters/study/master_key.py", TABLE)
    copy.add("src/keyfilters/results/master_key/table8.py", RENDERER)
    copy.change("src/keyfilters/versions.yaml", "table7: ", "table8: 1\ntable7: ")
    copy.change("dvc.yaml", "  table7:\n", stage_of("table8", "dvc.yaml") + "  table7:\n")
    copy.change("config.yaml", "      table6: {}\n", "      table6: {}\n      table8: {datasets: [emoji]}\n")
    printed = copy.python(
        "import yaml; from pathlib import Path; from keyfilters.study import jobs, paths\n"
        "from keyfilters.store import records; from keyfilters.study.study import check; from keyfilters import cli\n"
        "import sys; study = check(yaml.safe_load(open('config.yaml'))).studies['mini']\n"
        "job = jobs.tables(study)['table8']; results = Path('results/mini')\n"
        "for name, cell in job.inputs.items():\n"
        "    records.record(paths.record(results, 'cell', name), cell.key, {'mean': 12.5})\n"
        "file = paths.record(results, 'table8', 'table8').with_suffix('.csv')\n"
        "sys.argv = ['keyfilters', 'render', job.as_json, 'artifacts', str(file)]; cli.main(); print(file.read_text())"
    )
    assert printed == "12.5"
    copy.python("import sys, pytest; sys.exit(pytest.main(['-q', '-k', 'table8', 'tests/test_pipeline.py']))")
    assert_that_all_is_named(copy, "A table of cells")


FIGURE = '''

class FilterFigure11(FilterFigure):
    """How many layers there are."""

    name = "filterdb_fig11"
    caption = "How many layers there are."
'''
DRAWING = """from keyfilters.results.drawing import filters


def filterdb_fig11(description, root, file):
    tables = filters.load(description, file.parents[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(len(tables.layers)))
"""


def test_a_figure_of_filters(copy):
    copy.append("src/keyfilters/study/filterdb.py", FIGURE)
    copy.add("src/keyfilters/results/filterdb/filterdb_fig11.py", DRAWING)
    copy.change("src/keyfilters/versions.yaml", "filterdb_fig10: ", "filterdb_fig11: 1\nfilterdb_fig10: ")
    copy.change(
        "dvc.yaml", "      filterdb_fig10: figures\n", "      filterdb_fig10: figures\n      filterdb_fig11: figures\n"
    )
    copy.change("config.yaml", "      filterdb_fig6: {}\n", "      filterdb_fig6: {}\n      filterdb_fig11: {}\n")
    tests = "tests/results/filterdb/test_filterdb_figures.py"
    copy.change(tests, '    "filterdb_fig6": {},\n', '    "filterdb_fig6": {},\n    "filterdb_fig11": {},\n')
    size = copy.python(
        "from pathlib import Path; from keyfilters import cli; import sys, json\n"
        "from tests.helpers.tiny_filter_study import FilterStudy\n"
        "study = FilterStudy(Path('tiny')); job = study.figure('filterdb_fig11')\n"
        "file = study.results / 'figures/filterdb_fig11.csv'\n"
        "sys.argv = ['keyfilters', 'render', json.dumps(job.description), str(study.root), str(file)]\n"
        "cli.main(); print(file.read_text())"
    )
    assert int(size) > 0
    assert_that_all_is_named(copy, "A figure of filters")
