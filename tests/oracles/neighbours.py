"""User-kNN written out from the recipe: dense vectors of every user, every pair compared, one user at a time."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial.distance import cdist

LEAST_SQUARE = 1e-12


def cleaned_ages(ages: Sequence[int | None], age_mean: str) -> list[float]:
    """Replace absurd and missing ages by a mean, of all ages or of the valid ones, and scale them to 0…1."""
    written = [age for age in ages if age is not None]
    valid = [age for age in written if 0 <= age <= 100]
    if age_mean == "raw":
        absurd_becomes = sum(written) / len(written) if written else 0.0
        known = [age if 0 <= age <= 100 else absurd_becomes for age in written]
        missing_becomes = sum(known) / len(known) if known else 0.0
    else:
        absurd_becomes = missing_becomes = sum(valid) / len(valid) if valid else 0.0
    clean = [missing_becomes if age is None else age if 0 <= age <= 100 else absurd_becomes for age in ages]
    low, high = min(clean), max(clean)
    return [(age - low) / (high - low) if high > low else 0.0 for age in clean]


def taste_rows(plays: np.ndarray) -> np.ndarray:
    """Divide each user's plays by their sum; a user without any has the mean plays of those with some."""
    filled = plays.astype(float)
    has_plays = filled.sum(axis=1) > 0
    if has_plays.any():
        filled[~has_plays] = filled[has_plays].mean(axis=0)
        return np.array([row / row.sum() for row in filled])
    return filled


def points_of(rows: np.ndarray, ages: Sequence[float], countries: Sequence[str | None]) -> np.ndarray:
    """Put shares of plays, age and one column a country side by side."""
    names = sorted({country for country in countries if country is not None})
    one_hot = np.array([[float(country == name) for name in names] for country in countries])
    return np.hstack([rows, np.array(ages, dtype=float)[:, None], one_hot.reshape(len(rows), len(names))])


def nearest(points: np.ndarray, n_neighbors: int) -> list[list[tuple[int, float]]]:
    """List each user's neighbours with their distances: itself, then by distance at 9 digits, then by place."""
    lists = []
    for user, squares in enumerate(cdist(points, points, "sqeuclidean")):
        distances = [0.0 if square < LEAST_SQUARE else float(np.sqrt(square)) for square in squares]
        others = sorted(
            (other for other in range(len(points)) if other != user),
            key=lambda other, distances=distances: (round(distances[other], 9), other),  # type: ignore[misc]
        )
        lists.append([(user, 0.0), *((other, distances[other]) for other in others)][:n_neighbors])
    return lists


def recommended(
    near: Sequence[Sequence[tuple[int, float]]], rows: np.ndarray, met: Sequence[set[int]], top_n: int
) -> list[list[tuple[int, float]]]:
    """List what the neighbours of each user play most: the mean over the others of nearness times share."""
    largest = max((distance for one in near for _, distance in one), default=0.0)
    lists = []
    for user, neighbours in enumerate(near):
        others = neighbours[1:]
        scores = np.zeros(rows.shape[1])
        for other, distance in others:
            scores += (1 - distance / largest if largest else 1.0) * rows[other] / len(others)
        scores[sorted(met[user])] = 0.0
        items = np.lexsort((np.arange(len(scores)), -np.round(scores, 12)))[:top_n]
        lists.append([(int(item), float(scores[item])) for item in items if scores[item] > 0])
    return lists
