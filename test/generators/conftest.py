import pytest

torch = pytest.importorskip('torch')


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks are fastest on one thread, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
