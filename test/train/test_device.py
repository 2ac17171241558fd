"""A device that torch cannot use is refused in one line, whatever is trained."""

import pytest
import torch

from synth_nodes.cli import main
from synth_nodes.errors import InputError
from synth_nodes.train.device import check_device, limit_memory


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)


@pytest.mark.parametrize('words', [
    ['bc'], ['ppo'], *(['generator', '--data', '.', '--of', of]
                       for of in ('lidar', 'camera', 'plans', 'tracks'))], ids=' '.join)
def test_cuda_without_a_gpu_is_refused_before_work_begins(words, no_gpu, tmp_path, capsys):
    out = tmp_path / 'out'
    assert main(['train', *words, '--set', 'device=cuda', '--out', str(out)]) == 2
    told = capsys.readouterr().err
    assert 'finds no CUDA GPUs; set device=cpu, or install' in told and told.count('\n') == 1
    assert not out.exists()


def test_names_that_are_no_device_and_gpus_that_are_not_there_are_refused(no_gpu):
    check_device('cpu')
    for name in ('gpu', 'cuda:99', 'meta:x'):
        with pytest.raises(InputError, match=f"device '{name}': .*set device=cpu"):
            check_device(name)


def test_memory_is_limited_on_a_gpu_alone(monkeypatch):
    limits = []
    monkeypatch.setattr(torch.cuda, 'set_per_process_memory_fraction',
                        lambda share, index: limits.append((share, index)))
    limit_memory('cpu', 0.5)
    limit_memory('cuda:1', 0.25)
    assert limits == [(0.25, 1)]
