"""The command line: reads what is asked, calls the package, shows what happens.

The only module that exits. Imports of DuckDB and the like wait until a command needs them, so that
`--help` is there at once.
"""

import sys

import click

from recsys_duck import __version__
from recsys_duck.cli import ask, run
from recsys_duck.errors import RecsysDuckError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="recsys-duck")
def cli() -> None:
    """Recommendation data of any size, in SQL: build a warehouse, ask it anything."""


for command in (
    run.demo,
    run.build,
    run.plan,
    run.sweep,
    ask.similar,
    ask.recommend,
    ask.export,
    ask.query,
    ask.status,
    ask.params,
    ask.sql,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; ends the process with the exit code of what happened."""
    try:
        cli(standalone_mode=False)
    except RecsysDuckError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
