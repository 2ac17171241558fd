"""Where networks are trained."""

from synth_nodes.errors import InputError


def check_device(device: str) -> None:
    """
    Check that torch can use a device, before long work begins.

    :param device: 'cpu', 'cuda', 'cuda:1', or another name of torch's.
    :raises InputError: when it cannot, with what to do.
    """
    if device == 'cpu':
        return
    import torch

    try:
        kind = torch.device(device)
        if kind.type != 'cuda':
            torch.empty(0, device=kind)
    except Exception as error:  # torch raises many classes for a device that is not there
        reason = str(error).partition('\n')[0]
        raise InputError(f"device '{device}': torch cannot use it ({reason}); set device=cpu, or "
                         'cuda where there is a GPU') from None
    count = torch.cuda.device_count() if kind.type == 'cuda' else 1
    if kind.type == 'cuda' and (kind.index or 0) >= count:
        raise InputError(
            f"device '{device}': torch {torch.__version__} finds {count or 'no'} CUDA "
            f"GPU{'s' if count != 1 else ''}; set device=cpu, or install NVIDIA's driver and a "
            'torch with CUDA (https://pytorch.org/get-started)')


def limit_memory(device: str, share: float) -> None:
    """
    Let this process take no more than a share of a GPU's memory; torch fails beyond.

    :param device: see :func:`check_device`; without effect on another than a GPU.
    :param share: in (0, 1].
    """
    if device.startswith('cuda'):
        import torch

        torch.cuda.set_per_process_memory_fraction(share, torch.device(device).index)
