"""Real data for the tests that need it; it lies beside the project and never inside it."""

import subprocess
import sys
from pathlib import Path

import pytest

PREPARE = Path(__file__).parents[1].parent / "shared" / "data" / "prepare.py"


@pytest.fixture(scope="session")
def slices_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the three real playlist slices in their original layout."""
    if not PREPARE.is_file():
        pytest.skip("no real playlists: ../shared/data/prepare.py is not beside the project")
    pytest.importorskip("pyarrow", reason="the real playlists are unpacked with pyarrow")
    folder = tmp_path_factory.mktemp("real")
    done = subprocess.run(
        [sys.executable, str(PREPARE), str(folder), "mpd"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, f"the real playlists cannot be prepared: {done.stderr}"
    return folder / "mpd"
