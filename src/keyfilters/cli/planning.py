"""Subcommands about what a study costs, and how far it is."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from keyfilters.cli.arguments import add_for_study, current_study

SECONDS = 5.0  # between two looks of `status --watch`


def add(subcommands) -> None:
    """Add them to the command line."""
    add_for_study(subcommands, "plan", _plan, "what the study will cost: trainings, images, GPU-hours")
    add_for_study(
        subcommands, "schedule", _schedule, "how long the study would take on 1, 8 and 64 GPUs, and what decides it"
    )
    added = add_for_study(
        subcommands, "status", _status, "how far a study is: what is done, running, waiting and failed"
    )
    other = added.add_mutually_exclusive_group()
    other.add_argument("--cost", action="store_true", help="what each job cost instead")
    other.add_argument(
        "--watch",
        nargs="?",
        type=_seconds,
        const=SECONDS,
        metavar="SECONDS",
        help=f"draw it again every few seconds (default: {SECONDS:g}), with the time left, until nothing is left",
    )
    add_for_study(
        subcommands, "power", _power, "the seeds that each claim of the study lacks to be decided, and what they cost"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time; say seconds, such as {SECONDS:g}")
    return seconds


def _plan(arguments: argparse.Namespace) -> None:
    from keyfilters.planning.plan import plan

    study, root, _ = current_study(arguments)
    print(plan(study, root.name, root))


def _schedule(arguments: argparse.Namespace) -> None:
    from keyfilters.planning.schedule import schedule

    study, root, _ = current_study(arguments)
    print(schedule(study, root.name, root))


def _status(arguments: argparse.Namespace) -> None:
    from keyfilters.planning.status import Files, cost, status
    from keyfilters.provenance.explain import show

    study, root, results = current_study(arguments)
    if arguments.cost:
        show(cost(study, root, results))
    elif arguments.watch:
        from rich.console import Console

        from keyfilters.planning.watch import Watch, watch

        with suppress(KeyboardInterrupt):
            watch(Watch(study, root.name, root, results, Path("logs")), Console(), arguments.watch)
    else:
        show(status(study, Files(root.name, root, results, Path("logs"))))


def _power(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance.explain import show
    from keyfilters.reports.power import power
    from keyfilters.reports.study_results import StudyResults

    study, root, results = current_study(arguments)
    show(power(StudyResults(study, root.name, root, results, Path("logs"))))
