"""The command line: one subcommand per rule; each imports only what it uses."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import nullcontext

from keyfilters.cli import filters, jobs, networks, planning, provenance, reports
from keyfilters.cli.arguments import description
from keyfilters.errors import KeyfiltersError
from keyfilters.running.handover import hand_over


def main() -> None:
    """Run one subcommand; an error that the user can mend is one line and its exit status."""
    hand_over(sys.argv[1:])
    from keyfilters.store.artifacts import declared

    arguments = parser().parse_args()
    try:
        if "job" in arguments:
            arguments.job = description(arguments.job)
        with declared(arguments.job) if "job" in arguments else nullcontext():
            arguments.run(arguments)
        sys.stdout.flush()
    except KeyfiltersError as error:
        print(f"keyfilters {arguments.subcommand}: {error}", file=sys.stderr)
        sys.exit(error.status)
    except BrokenPipeError:  # who reads, `head` say, has seen enough; Python would say so once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    """All subcommands with their arguments."""
    top = argparse.ArgumentParser(prog="keyfilters", description="What Snakemake's rules call, and what people ask.")
    subcommands = top.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    for module in (jobs, filters, provenance, planning, reports, networks):
        module.add(subcommands)
    return top
