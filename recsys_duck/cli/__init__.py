"""The command line: reads what is asked, calls the package, shows what happens.

The only module that exits. Imports of DuckDB and the like wait until a command needs them, so that
`--help` is there at once.
"""

import os
import sys
import threading

import click

from recsys_duck import __version__
from recsys_duck.cli import ask, files, life, run, show, start
from recsys_duck.cli.options import say
from recsys_duck.errors import InterruptedBuildError, RecsysDuckError, ResourceError, TerminatedBuildError
from recsys_duck.jobs import starting, stay_stopped, stoppable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="recsys-duck")
def cli() -> None:
    """Recommendation data of any size, in SQL: build a warehouse, ask it anything."""


for command in (
    start.init,
    run.demo,
    run.build,
    run.plan,
    run.sweep,
    ask.similar,
    ask.recommend,
    files.export,
    show.profile,
    ask.query,
    ask.status,
    life.rollback,
    life.clean,
    life.diff,
    files.generate,
    ask.params,
    ask.sql,
    ask.portable,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; ends the process with the exit code of what happened."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - closed by the caller: nobody reads
    try:
        with stoppable(fix=""), starting(), cli.make_context("recsys-duck", sys.argv[1:]) as context:
            cli.invoke(context)  # cli.main would turn a closed pipe into exit code 1
            sys.stdout.flush()
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except RecsysDuckError as error:
        if isinstance(error, InterruptedBuildError | TerminatedBuildError):
            stay_stopped()
        say(str(error))
        if any(thread.name == "question" for thread in threading.enumerate()):
            sys.stdout.flush()
            os._exit(error.exit_code)  # it could not be stopped, and Python's end does not bear it
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        sys.exit(0)
    except OSError as error:
        told = ResourceError(
            str(error.strerror or error),
            where=str(error.filename or "the output"),
            fix="check the space and the permissions there, then give the command again",
        )
        say(str(told))
        sys.exit(told.exit_code)
