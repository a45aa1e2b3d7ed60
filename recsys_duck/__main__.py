"""Run the command line as ``python -m recsys_duck``."""

from recsys_duck.cli import main

main()
