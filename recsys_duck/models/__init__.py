"""Models: the Python stages of the graph, one file each; and the one that is no model, the k-core."""

from recsys_duck.stage import PythonStage


def python_stages() -> tuple[PythonStage, ...]:
    """Give every Python stage that a project's graph may hold; `models` chooses among them."""
    from recsys_duck.models import als, k_core, user_knn

    return (*als.stages(), k_core.stage(), *user_knn.stages())
