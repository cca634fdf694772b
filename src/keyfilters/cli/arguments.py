"""Arguments that many subcommands have: a job's description, a study."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keyfilters.errors import KeyfiltersError
from keyfilters.store.identity import folder_of

Run = Callable[[argparse.Namespace], None]


def add_for_job(subcommands, name: str, run: Run, description: str, noted: bool = False) -> argparse.ArgumentParser:
    """Add a subcommand that makes what a job describes: an artifact, unless it is there, or a record. `noted`: a
    record, so that how it went is noted here; an artifact's writer does that itself.
    """
    added = subcommands.add_parser(name, help=description, description=description)
    added.add_argument("job", help="the job's description: JSON, or @FILE with it")
    added.add_argument("artifacts", type=Path, help="the study's folder of artifacts")
    added.set_defaults(run=_noted(run) if noted else _unless_made(run))
    return added


def _noted(run: Run) -> Run:
    def noted(arguments: argparse.Namespace) -> None:
        from keyfilters.store import runs

        with runs.noted(arguments.artifacts, arguments.job):
            run(arguments)

    return noted


def _unless_made(run: Run) -> Run:
    def unless_made(arguments: argparse.Namespace) -> None:
        from keyfilters.store.artifacts import is_whole

        if is_whole(arguments.artifacts, arguments.job):
            print(f"{folder_of(arguments.job)} is there; delete the folder to make it anew", file=sys.stderr)
        else:
            run(arguments)

    return unless_made


def description(text: str) -> dict[str, Any]:
    """A job's description from its JSON, or from a file whose path follows an @."""
    file = Path(text[1:]) if text.startswith("@") else None
    try:
        return json.loads(file.read_text() if file else text)
    except (OSError, ValueError) as error:
        problem = f"{file} holds no description of a job" if file else "the job's description is no JSON"
        raise KeyfiltersError(f"{problem} ({error}); run snakemake again, which writes it") from None


def add_for_study(subcommands, name: str, run: Run, description: str) -> argparse.ArgumentParser:
    """Add a subcommand about a study, which `current_study` loads."""
    added = subcommands.add_parser(name, help=description, description=description)
    added.add_argument("--study", help="another study than the one that config.yaml names")
    added.set_defaults(run=run)
    return added


def current_study(arguments: argparse.Namespace):
    """The study with its folders of artifacts and results."""
    from keyfilters.study.study import load

    config = load(Path("config.yaml"), arguments.study)
    return config.current, Path("artifacts") / config.study, Path("results") / config.study
