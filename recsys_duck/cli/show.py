"""The command that shows what is in the data: profile."""

from typing import Any

import click

from recsys_duck.cli.ask import TIMEOUT_S, asked
from recsys_duck.cli.options import limits, limits_of, named, published_of, say
from recsys_duck.errors import ProjectError

# the keys of recsys_duck.profile.SECTIONS, here for --help, which imports nothing
SECTIONS = ("describe", "missing", "items", "users", "time", "tags", "density", "funnel")


@click.command()
@click.argument("sections", nargs=-1, type=click.Choice(SECTIONS), metavar="[SECTION]...")
@asked
@click.option("--log", "is_log", is_flag=True, help="Draw bars by logarithm, where few have most.")
@limits
def profile(sections: tuple[str, ...], environment: str | None, style: str, is_log: bool, **options: Any) -> None:
    """Show what is in the data, as tables and bars, over all events.

    Sections: describe, missing, items, users, time, tags, density, funnel; all of them if none is named.
    --format csv or json gives the rows of one section.
    """
    from recsys_duck.charts import drawn
    from recsys_duck.console import page_width, show_page, show_rows
    from recsys_duck.profile import Profile, sections_of
    from recsys_duck.question import reading

    if style != "table" and len(sections) != 1:
        raise ProjectError(
            f"{style} has the rows of one section",
            where="profile --format",
            fix=f"name one: {', '.join(SECTIONS)}",
        )
    warehouse, catalog = published_of(environment, options)
    allowed = limits_of(options, timeout_s=TIMEOUT_S)
    with reading({named(environment, options): catalog}, folder=warehouse, limits=allowed) as reader:
        shown = Profile(reader)
        if style != "table":
            show_rows(*shown.rows(sections[0]), style=style)
            return
        width, is_first = page_width(), True
        for section in sections_of(sections):
            for panel in shown.panels(section):
                if isinstance(panel, str):
                    say(panel)
                    continue
                title = f"{panel.title}, log scale" if is_log and panel.has_scale else panel.title
                show_page(title, drawn(panel.chart, width, is_log=is_log), is_first=is_first)
                is_first = False
