"""What pairs cost is told before they are counted, with what a limit saves; limits then leave just that."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from building import lay_out, rows, run
from projects import command_here

from recsys_duck.events import Built, Event, Skipped, Warned

# one crawler of 7,000 items, and 100 users of 10 items each
CRAWLER = """
    select 'bot' as user_id, item_id from range(7000) as items(item_id)
    union all
    select concat('u', user_id), (user_id * 61 + place * 13) % 7000
    from range(100) as users(user_id), range(10) as places(place)
"""
N_PAIRS = 7_000 * 6_999 // 2 + 100 * 10 * 9 // 2
LIMITED = {"basket_max": 100 * 10 * 9 // 2, "basket_last_n": 5_000 * 4_999 // 2 + 100 * 10 * 9 // 2}
MESSAGE = (
    f"{N_PAIRS:,} pair rows to count, >99.9 % of them from 1 of 101 baskets (basket_by = user), those with more than "
    f"5,000 items. --set basket_max=5000 leaves {LIMITED['basket_max']:,} pair rows, "
    f"--set basket_last_n=5000 leaves {LIMITED['basket_last_n']:,}"
)
SELECT = ("+features.pair_blocks",)


def warned(events: Sequence[Event]) -> list[str]:
    """What a build warned of for the pairs."""
    return [event.message for event in events if isinstance(event, Warned) and event.stage == "features.pair_costs"]


def test_the_cost_of_a_crawler_is_told_before_any_pair_is_counted_and_again_where_it_is_reused(tmp_path: Path) -> None:
    lay_out(tmp_path, events=CRAWLER)
    events = run(tmp_path, select=SELECT)
    # few pairs as they are, nearly all of them are of one basket: 20 million are bound to be worth a word
    assert N_PAIRS > 20_000_000
    assert warned(events) == [MESSAGE]
    stages = [event.stage for event in events if isinstance(event, Built | Warned)]
    assert stages.index("features.pair_costs") < stages.index("features.pair_blocks")
    again = run(tmp_path, select=SELECT)
    assert all(not isinstance(event, Built) for event in again)
    assert "features.pair_costs" in {event.stage for event in again if isinstance(event, Skipped)}
    assert warned(again) == [MESSAGE]
    planned = command_here(tmp_path, "plan", "--select", "+features.item_pairs")
    assert f"warning    features.pair_costs: {MESSAGE}" in planned.stderr.splitlines()
    assert "warning" not in planned.stdout


@pytest.mark.parametrize("limit", LIMITED)
def test_a_limit_leaves_as_many_pairs_as_was_told(tmp_path: Path, limit: str) -> None:
    lay_out(tmp_path, events=CRAWLER, toml=f"[parameters]\n{limit} = 5000\n")
    events = run(tmp_path, select=SELECT)
    assert not warned(events)
    assert rows(tmp_path, "select cast(sum(n_pair_rows) as bigint) from features.pair_blocks") == [(LIMITED[limit],)]


def test_many_pairs_of_many_baskets_are_no_news(tmp_path: Path) -> None:
    lay_out(tmp_path)
    assert not warned(run(tmp_path, select=SELECT))
    ((n_told,),) = rows(tmp_path, "select n_pair_rows from features.pair_costs")
    assert rows(tmp_path, "select cast(sum(n_pair_rows) as bigint) from features.pair_blocks") == [(n_told,)]
