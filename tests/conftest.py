"""Real data for the tests that need it; it lies beside the project and never inside it."""

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

PREPARE = Path(__file__).parents[1].parent / "shared" / "data" / "prepare.py"


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the folder of a data set in its original layout: mpd, audio_features, taste_profile, lastfm_360k, …"""

    @cache
    def laid_out(name: str) -> Path:
        if not PREPARE.is_file():
            pytest.skip("no real data: ../shared/data/prepare.py is not beside the project")
        pytest.importorskip("pyarrow", reason="the real data are unpacked with pyarrow")
        folder = tmp_path_factory.mktemp("real")
        done = subprocess.run(
            [sys.executable, str(PREPARE), str(folder), name], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, f"the real data of {name} cannot be prepared: {done.stderr}"
        return folder / name

    return laid_out


@pytest.fixture(scope="session")
def slices_folder(real_data: Callable[[str], Path]) -> Path:
    """Folder of the three real playlist slices in their original layout."""
    return real_data("mpd")
