"""Resolve the parameters `device` and `precision`."""

import torch


def resolve_device(device):
    """Resolve the parameter `device`.

    Parameters
    ----------
    device : "auto", str or torch.device
        "auto" is the first available of cuda, mps and cpu.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If the device is unknown to torch or not available.
    """
    available = ["cpu"]
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    if device == "auto":
        return torch.device(available[0])
    expected = f"Expected 'auto' or one of {available} (the devices of this machine)."
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"Got device={device!r}. {expected}") from error
    if resolved.type not in available or (
        resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count()
    ):
        raise ValueError(f"Got device={device!r}. {expected}")
    return resolved


def resolve_precision(precision, device):
    """Resolve the parameter `precision`.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        "auto" is bfloat16 if the processor reports that it multiplies in it natively.
    device : torch.device

    Returns
    -------
    {"float32", "bfloat16"}
    """
    if precision != "auto":
        return precision
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        # x86, x86 with a matrix unit, ARM
        native = any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    elif device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = False
    return "bfloat16" if native else "float32"
