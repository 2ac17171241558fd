from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Folder of recorded logs and maps beside the repository; tests skip where it is missing."""
    folder = Path(__file__).resolve().parents[2] / 'shared' / 'data'
    if not folder.is_dir():
        pytest.skip(f'needs the recorded data in {folder}, which is not on this machine')
    return folder


@pytest.fixture
def one_thread():
    """Small networks are fastest on one thread, above all on a busy machine."""
    torch = pytest.importorskip('torch')
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
