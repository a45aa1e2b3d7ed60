"""No leak: what stands in test alone changes nothing that is counted, fitted or recommended."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from building import EVENTS, checksums, lay_out, rows, run

LEARNT = ("features", "training", "models", "recs")


def is_test(user: object, item: object, *, seed: int, share: float) -> bool:
    """Tell on which side of a random split a pair falls: the uniform number of its text."""
    digits = hashlib.md5(f"split|{seed}|{user}|{item}".encode()).hexdigest()[:13]
    return (int(digits, 16) + 0.5) / 16**13 < share


def compared(before: Path, after: Path, given: Mapping[str, object]) -> None:
    """Build both projects: the layers that learn are equal, what judges is not."""
    for root in (before, after):
        run(root, given)
    learnt = checksums(before, LEARNT)
    assert {"features.item_pairs", "models.user_factors", "recs.personal", "recs.similar_items"} <= learnt.keys()
    assert checksums(after, LEARNT) == learnt
    judged = "select count(*) from split.judged_pairs"
    assert rows(after, judged)[0][0] == rows(before, judged)[0][0] + 1  # type: ignore[operator]
    assert checksums(after, ("eval",)) != checksums(before, ("eval",))
    assert checksums(after, ("core",))["core.users"] == checksums(before, ("core",))["core.users"]


def test_a_planted_pair_of_a_time_split_leaks_nothing(tmp_path: Path) -> None:
    planted = "select 3, 2, cast(1 as decimal(18, 6)), timestamp '2024-01-03 00:00:00'"
    assert "(user_id * item_id) % 3 <> 1" in EVENTS  # user 3 met every item, but for the cut
    known = f"{EVENTS} and not (user_id = 3 and item_id = 2)"
    before = lay_out(tmp_path / "before", events=known)
    after = lay_out(tmp_path / "after", events=f"{known} union all {planted}")
    compared(before, after, {"parameters": [("split", "time"), ("cutoff", "2024-01-02"), ("ks", [5])]})


def test_a_pair_planted_in_real_playlists_leaks_nothing(slices_folder: Path, tmp_path: Path) -> None:
    source = slices_folder / "mpd.slice.0-999.json"
    document = json.loads(source.read_text(encoding="utf-8"))
    playlists = document["playlists"]
    owner = playlists[17]
    own = {track["track_uri"] for track in owner["tracks"]}
    planted = next(
        track
        for playlist in playlists[500:]
        for track in playlist["tracks"]
        if track["track_uri"] not in own
        and is_test(owner["pid"], track["track_uri"].removeprefix("spotify:track:"), seed=0, share=0.2)
    )
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / source.name).write_text(json.dumps(document), encoding="utf-8")
        # after the first: once more, with the planted track at the end; num_tracks is a claim and stays
        if name == "before":
            owner["tracks"] = [*owner["tracks"], {**planted, "pos": len(owner["tracks"])}]
    chosen = [("item_entity", "track"), ("top_entities", 0), ("min_playlist_tracks", 0), ("split", "random")]
    compared(
        tmp_path / "before",
        tmp_path / "after",
        {"kind": "mpd", "parameters": [*chosen, ("iterations", 3)]},
    )


@pytest.mark.parametrize("layer", ["features", "training", "models", "recs"])
def test_a_stage_that_learns_may_not_read_the_test_rows(tmp_path: Path, layer: str) -> None:
    from recsys_duck.errors import ProjectError

    text = "-- A leak.\n-- grain:  none\n-- why:    it must be refused.\n\nselect test.user_id\nfrom split.test\n"
    lay_out(tmp_path, sql={f"{layer}/leak": text})
    with pytest.raises(ProjectError, match=r"may not read split\.test"):
        run(tmp_path)


@pytest.mark.parametrize("table", ["split.history", "features.user_items"])
@pytest.mark.parametrize("layer", ["features", "training", "models"])
def test_a_stage_that_learns_may_not_read_what_new_users_are_known_for(tmp_path: Path, layer: str, table: str) -> None:
    from recsys_duck.errors import ProjectError

    name = table.split(".")[1]
    text = f"-- A leak.\n-- grain:  none\n-- why:    it must be refused.\n\nselect {name}.item_id\nfrom {table}\n"
    lay_out(tmp_path, sql={f"{layer}/leak": text.replace("item_id", "weight")})
    with pytest.raises(ProjectError, match=f"may not read {table}") as caught:
        run(tmp_path)
    assert "fold_in" in caught.value.fix


def test_a_list_may_read_what_its_user_is_known_for(tmp_path: Path) -> None:
    header = "-- A list.\n-- grain:  none\n-- why:    lists are made of it.\n"
    lay_out(tmp_path, sql={"recs/known": f"{header}\nselect history.weight\nfrom split.history\n"})
    run(tmp_path, select=("+recs.known",))
    assert checksums(tmp_path, ("recs",))["recs.known"][0] > 0
