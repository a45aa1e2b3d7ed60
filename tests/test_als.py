"""ALS in the graph: implicit's factors, our lists, memory that is stated, a fit that stops when told."""

import threading
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from building import EVENTS, lay_out, rows, run, started
from projects import ask, command_here, lay_out_events
from scipy.sparse import csr_matrix

from recsys_duck import memory
from recsys_duck.errors import InterruptedBuildError, ResourceError, StageError
from recsys_duck.jobs import run_jobs
from recsys_duck.models import als

CHOSEN = [("factors", 5), ("iterations", 4), ("alpha", 3.0), ("seed", 7), ("top_n", 4), ("ks", [4])]
# users 1 to 7 met items 1 to 11; item 99 and user 50 stand in the catalogue alone
ITEMS = "select cast(unnest(range(1, 12) || [99]) as bigint) as item_id, null::varchar as item_name"
USERS = "select cast(unnest(range(1, 8) || [50]) as bigint) as user_id, null::varchar as user_name"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from projects import write_parquet

    root = tmp_path_factory.mktemp("als")
    write_parquet(root / "items.parquet", ITEMS)
    write_parquet(root / "users.parquet", USERS)
    lay_out(root)
    run(root, {"parameters": CHOSEN})
    return root


def published_factors(root: Path, owner: str) -> dict[int, np.ndarray]:
    found = rows(root, f"select {owner}_idx, factors from models.{owner}_factors")
    return {int(str(index)): np.array(vector, dtype=np.float32) for index, vector in found}


def test_factors_are_those_of_implicit_on_the_same_matrix(project: Path) -> None:
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    pairs = rows(project, "select user_idx, item_idx from training.matrix order by all")
    users, items = zip(*pairs, strict=True)
    matrix = csr_matrix((np.ones(len(pairs), dtype=np.float32), (users, items)), shape=(8, 12))
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=5, iterations=4, regularization=0.05, alpha=3.0, random_state=7, num_threads=1
        )
        model.fit(matrix, show_progress=False)
    for owner, wanted in (("user", model.user_factors), ("item", model.item_factors)):
        found = published_factors(project, owner)
        assert all((wanted[index] == vector).all() for index, vector in found.items())


def test_who_has_no_row_in_train_has_no_vector_and_no_list(project: Path) -> None:
    assert rows(project, "select count(*) from core.users") == [(8,)]
    assert rows(project, "select count(*), bool_or(user_id = 50) from models.user_factors") == [(7, False)]
    assert rows(project, "select count(*), bool_or(item_id = 99) from models.item_factors") == [(11, False)]
    assert rows(project, "select count(*) from recs.personal where user_id = 50 or item_id = 99") == [(0,)]


def test_lists_are_the_best_products_of_the_published_factors(project: Path) -> None:
    users, items = published_factors(project, "user"), published_factors(project, "item")
    met = set(rows(project, "select user_idx, item_idx from training.matrix"))
    found = rows(
        project,
        """select user_idx, rank, item_idx, score from recs.personal
        join core.users using (user_id) join core.items using (item_id)
        where model_name = 'als' order by 1, 2""",
    )
    wanted = []
    for user, left in sorted(users.items()):
        scored = [
            (-round(sum(float(a) * float(b) for a, b in zip(left, right, strict=True)), 12), item)
            for item, right in items.items()
            if (user, item) not in met
        ]
        wanted += [(user, rank, item, -score) for rank, (score, item) in enumerate(sorted(scored)[:4], start=1)]
    assert [row[:3] for row in found] == [row[:3] for row in wanted]
    assert np.allclose([float(str(row[3])) for row in found], [row[3] for row in wanted], atol=1e-11)


def test_the_fit_says_what_it_was_fitted_on(project: Path) -> None:
    n_pairs = rows(project, "select count(*) from features.user_items")[0][0]
    fits = rows(project, "select * exclude (regularization) from models.fits")
    assert fits == [("als", f"implicit {version('implicit')}", 5, 4, 3.0, 7, 7, 0, 11, n_pairs)]


@pytest.fixture(scope="module")
def folded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A split of new users, whose weights are no ones."""
    weighted = EVENTS.replace("cast(1 as", "cast(1 + user_id * item_id % 4 as")
    root = lay_out(tmp_path_factory.mktemp("folded"), events=weighted)
    split = [("split", "new_users"), ("test_share", 0.4), ("held_out_share", 0.3), ("weighting", "raw")]
    run(root, {"parameters": [*CHOSEN, *split]})
    return root


def test_a_new_user_is_folded_in_by_least_squares_over_the_fitted_items(folded: Path) -> None:
    """Hu, Koren, Volinsky 2008, equation 4: x = (YtY + Yt(C - I)Y + regularization I)^-1 Yt C p."""
    users, items = published_factors(folded, "user"), published_factors(folded, "item")
    known = rows(folded, "select user_idx, item_idx, weight from training.fold_in")
    new_users = {int(str(user)) for user, _, _ in known}
    assert 0 < len(new_users) < 7
    assert rows(folded, "select n_users, n_new_users from models.fits") == [(7 - len(new_users), len(new_users))]
    squares = sum(np.outer(vector, vector).astype(np.float64) for vector in items.values())
    for new_user in new_users:
        left, right = squares + 0.05 * np.eye(5), np.zeros(5)
        for user, item, weight in known:
            if user == new_user and item in items:
                vector, confidence = items[int(str(item))].astype(np.float64), 3.0 * float(str(weight))
                left = left + (confidence - 1) * np.outer(vector, vector)
                right = right + confidence * vector
        assert np.allclose(users[new_user], np.linalg.solve(left, right), atol=1e-4)


def test_new_users_have_lists_without_what_they_are_known_for(folded: Path) -> None:
    for model in ("als", "item_knn", "popular"):
        listed = f"select distinct user_id from recs.personal where model_name = '{model}'"
        assert set(rows(folded, "select distinct user_id from split.fold_in")) <= set(rows(folded, listed)), model
    met = "select count(*) from recs.personal join split.history using (user_id, item_id)"
    assert rows(folded, met) == [(0,)]


def test_what_new_users_are_known_for_fits_no_item(folded: Path, tmp_path: Path) -> None:
    from projects import write_parquet

    write_parquet(
        tmp_path / "users.parquet", "select user_id, null::varchar as user_name from range(1, 8) as t(user_id)"
    )
    plain = lay_out(tmp_path)
    learnt = rows(folded, "select user_id, item_id, weight, occurred_at from split.train order by all")
    values = ", ".join(f"({user}, {item}, {weight}, timestamp '{at}')" for user, item, weight, at in learnt)
    columns = "user_id, item_id, cast(weight as decimal(18, 6)) as weight, occurred_at"
    lay_out(plain, events=f"select {columns} from (values {values}) as t(user_id, item_id, weight, occurred_at)")
    run(plain, {"parameters": [*CHOSEN, ("weighting", "raw")]})
    question = "select item_id, factors from models.item_factors order by item_id"
    assert rows(plain, question) == rows(folded, question)


def test_a_model_that_is_not_named_is_neither_fitted_nor_judged(tmp_path: Path) -> None:
    lay_out(tmp_path)
    events = run(tmp_path, {"parameters": [("models", ["item_knn"]), ("split", "random"), ("test_share", 0.5)]})
    assert not any(getattr(event, "stage", "").startswith("models.") for event in events)
    assert rows(tmp_path, "select distinct model_name from recs.personal") == [("item_knn",)]
    assert rows(tmp_path, "select distinct model_name from eval.metrics") == [("item_knn",)]


@pytest.mark.parametrize(("key", "sql_type"), [("1", "BIGINT"), ("'a'", "VARCHAR")])
def test_without_a_row_in_train_tables_are_empty_and_typed(tmp_path: Path, key: str, sql_type: str) -> None:
    lay_out(tmp_path, events=f"select {key} as user_id, {key} as item_id")
    run(tmp_path, {"parameters": [("min_items_per_user", 5)]})
    for table in ("models.user_factors", "models.item_factors", "recs.personal", "recs.similar_items", "eval.metrics"):
        assert rows(tmp_path, f"select count(*) from {table}") == [(0,)], table
    types = """select table_name, column_name, data_type from duckdb_columns()
        where column_name in ('item_id', 'factors') and schema_name in ('models', 'recs') and table_name <> 'fits'
        order by all"""
    assert rows(tmp_path, types) == [
        ("item_factors", "factors", "FLOAT[]"),
        ("item_factors", "item_id", sql_type),
        ("item_neighbours", "item_id", sql_type),
        ("personal", "item_id", sql_type),
        ("popular", "item_id", sql_type),
        ("similar_items", "item_id", sql_type),
        ("user_factors", "factors", "FLOAT[]"),
    ]
    assert rows(tmp_path, "select n_users, n_items, n_pairs from models.fits") == [(0, 0, 0)]


def test_weights_are_trained_on_when_asked_for(tmp_path: Path) -> None:
    lay_out(tmp_path, events="select 1 as user_id, 5 as item_id, 2.5 as weight from range(2) union all select 1, 6, 1")
    run(tmp_path, {"parameters": [("weighting", "raw"), ("factors", 3)]})
    assert rows(tmp_path, "select weight from training.matrix order by item_idx") == [(5.0,), (1.0,)]
    run(tmp_path, {"parameters": [("factors", 3)]})
    assert rows(tmp_path, "select weight from training.matrix") == [(1.0,), (1.0,)]


def test_what_a_model_needs_is_told_before_it_starts_and_refused_where_it_does_not_fit(tmp_path: Path) -> None:
    lay_out(tmp_path)
    events = run(tmp_path)
    need = started(events, "models.als").need_mb
    assert need is not None
    assert need > 0
    assert started(events, "features.item_pairs").need_mb is None
    # the arrays of a real case: 30 users and items a factor of 2,000 would not fit beside the rest
    sizes = {"core.users": 50_000, "core.items": 200_000, "training.matrix": 5_000_000, "training.fold_in": 0}
    inputs: Any = SimpleNamespace(parameters={"factors": 2000}, n_rows=sizes.__getitem__)
    bytes_needed = als.fit_bytes(inputs)
    assert 250_000 * 2000 * 4 * 2 < bytes_needed < 250_000 * 2000 * 4 * 4
    with pytest.raises(ResourceError) as caught:
        memory.refuse_need("models.als", bytes_needed, 2 * 10**9)
    assert "models.als needs" in caught.value.what
    assert "2,000 MB" in caught.value.what
    assert "--memory-limit" in caught.value.fix
    whole = int(caught.value.fix.split("--memory-limit ")[1].split("MB")[0])
    memory.refuse_need("models.als", bytes_needed, whole * 10**6)


def test_a_fit_stops_between_two_rounds() -> None:
    random = np.random.default_rng(0)
    matrix = csr_matrix((random.random((400, 300)) < 0.05).astype(np.float32))
    stop = threading.Event()
    rounds: list[int] = []

    def refuse_stop() -> None:
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        if stop.is_set():
            raise InterruptedBuildError("interrupted")

    parameters = {"factors": 8, "iterations": 1000, "regularization": 0.1, "seed": 0}
    inputs: Any = SimpleNamespace(parameters=parameters, threads=2, refuse_stop=refuse_stop)
    with pytest.raises(InterruptedBuildError):
        als._factorised(inputs, matrix, csr_matrix((400, 300), dtype=np.float32))
    assert len(rounds) == 3


def test_a_job_is_told_to_stop_when_its_build_is() -> None:
    stop = threading.Event()
    engine: Any = SimpleNamespace(interrupt=lambda: None)
    jobs = run_jobs(engine, [lambda: stop.wait(30)], 1, stop=stop)
    next(jobs)
    jobs.close()
    assert stop.is_set()


def test_a_limit_that_no_model_fits_in_is_refused_before_anything_runs(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with pytest.raises(ResourceError, match=r"models\.als needs"):
        run(tmp_path, memory_limit=400_000_000)
    assert not (tmp_path / "warehouse" / "tables").exists()
    run(tmp_path, {"parameters": [("models", ["popular", "item_knn"])]}, memory_limit=400_000_000)


@pytest.mark.parametrize("parameter", [("alpha", 1e30), ("alpha", 3e38), ("regularization", 1e30)])
def test_factors_that_are_not_finite_are_told(tmp_path: Path, parameter: tuple[str, float]) -> None:
    lay_out(tmp_path)
    with pytest.raises(StageError, match="factors of als are not finite") as caught:
        run(tmp_path, {"parameters": [parameter]})
    assert parameter[0] in caught.value.where
    assert caught.value.cause == ""
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()


def test_many_threads_read_factors_within_the_little_memory_that_python_leaves(tmp_path: Path) -> None:
    from recsys_duck.engines import Query
    from recsys_duck.engines.duckdb import DuckdbEngine
    from recsys_duck.relation import Relation

    wide = "select cast(i as integer) as user_idx, list_transform(range(64), lambda x: cast(x + i as float)) as factors"
    with DuckdbEngine(memory_bytes=2 * 10**9, threads=32, temporary=tmp_path / "spill") as engine:
        columns = engine.write(Query(f"{wide} from range(500000) as t(i) order by i"), tmp_path / "x.parquet").columns
        engine.define(Relation("models.user_factors", columns, (tmp_path / "x.parquet",)))
        settings = "select current_setting('memory_limit'), current_setting('threads'), "
        question = Query(settings + "current_setting('preserve_insertion_order')")
        before = engine.fetch(question)
        last = -1
        with engine.lean(memory.LENT_SQL_BYTES):
            for batch in engine.batches(Query("from models.user_factors"), 20_000):
                users = batch.column("user_idx").to_numpy()
                assert (np.diff(users, prepend=last) == 1).all()  # in the order they were stored
                last = users[-1] if len(users) else last
        assert last == 499_999
        assert engine.fetch(question) == before
        with pytest.raises(RuntimeError), engine.lean(memory.LENT_SQL_BYTES):
            raise RuntimeError
        assert engine.fetch(question) == before


def test_memory_that_does_not_suffice_while_rows_are_read_is_told_as_such(tmp_path: Path) -> None:
    from recsys_duck.engines import Query
    from recsys_duck.engines.duckdb import DuckdbEngine

    with DuckdbEngine(memory_bytes=40_000_000, threads=2, temporary=tmp_path / "spill") as engine:
        sorted_rows = Query("select i, repeat('x', 1000) as text from range(10000000) as t(i) order by hash(i)")
        engine.fetch(Query("select 1"))
        with engine._cursor("settings") as cursor:
            cursor.execute("set max_temp_directory_size = '1MB'")
        with pytest.raises(ResourceError):
            list(engine.batches(sorted_rows, 1000))


def test_a_project_lays_its_own_model_over_ours(tmp_path: Path) -> None:
    text = """-- A model of the project's own.
-- grain:  model_name, user_id, rank

select
    'als' as model_name,
    train.user_id,
    row_number() over (partition by train.user_id order by train.item_id) as rank,
    train.item_id,
    cast(1 as double) as score
from split.train
"""
    lay_out(tmp_path, sql={"recs/personal/als": text})
    run(tmp_path, {"parameters": [("models", ["als"])]})
    assert rows(tmp_path, "select count(*) = (select count(*) from split.train) from recs.personal") == [(True,)]


def test_weights_of_zero_give_no_lists_and_a_warning(tmp_path: Path) -> None:
    events = "select i % 4 as user_id, i % 5 as item_id, 0 as weight from range(20) as numbers(i)"
    lay_out_events(tmp_path, events, settings='[parameters]\nweighting = "raw"\nmodels = ["als"]\nfactors = 2\n')
    told = command_here(tmp_path, "build")
    assert told.returncode == 0, told.stderr
    warnings = [line for line in told.stderr.splitlines() if line.startswith("warning") and "models.als" in line]
    assert len(warnings) == 1
    assert "weight" in warnings[0]
    assert ask(tmp_path / "warehouse", "select count(*) from recs.personal where model_name = 'als'") == [(0,)]
    assert ask(tmp_path / "warehouse", "select n_users, n_items from models.fits") == [(0, 0)]


def test_a_user_whose_weights_are_all_zero_gets_no_list_of_als(tmp_path: Path) -> None:
    events = "select i % 4 as user_id, i % 5 as item_id, least(i % 4, 1) as weight from range(18) as numbers(i)"
    settings = '[parameters]\nweighting = "raw"\nmodels = ["als"]\nfactors = 2\ninclude_seen = true\n'
    lay_out_events(tmp_path, events, settings=settings)
    assert command_here(tmp_path, "build").returncode == 0
    listed = ask(
        tmp_path / "warehouse", "select distinct user_id from recs.personal where model_name = 'als' order by 1"
    )
    assert listed == [(1,), (2,), (3,)]
