"""Seeds and the global random generators."""

import numbers
import os
import random
import threading
from contextlib import nullcontext

import numpy as np
import torch
from sklearn.utils import check_random_state

_generators = threading.RLock()
"""Held while drawing from the global generators, which all threads share."""


def _renew_lock():
    global _generators
    _generators = threading.RLock()


if hasattr(
    os, "register_at_fork"
):  # the thread that holds the lock is not in the child
    os.register_at_fork(after_in_child=_renew_lock)


def draw_seed(random_state):
    """Resolve the parameter `random_state` into the seed of one model.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An int is the seed itself; a RandomState draws one. None takes fresh entropy
        from the operating system and does not touch NumPy's global generator.

    Returns
    -------
    int
    """
    if random_state is None:
        return np.random.SeedSequence().entropy
    if isinstance(random_state, numbers.Integral):
        check_random_state(random_state)  # raises where scikit-learn would
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def training_lock():
    """Return the lock that a training holds; it is reentrant."""
    return _generators


def fork_rng(device, function):
    """Call a function and restore the global random generators afterwards.

    The generators are those of torch, NumPy (skorch's `ValidSplit` uses it) and Python;
    the grad mode is restored too. In the call, `device` is the current one, and other
    threads wait: trainings that draw alternately from the same generators are not
    reproducible.

    In contrast to `torch.random.fork_rng`, this is a function and not a context
    manager: Ctrl-C can arrive between the end of a `with` block and the first line of
    `__exit__`, which is then never run.

    Parameters
    ----------
    device : torch.device
    function : callable
        Called without arguments.

    Returns
    -------
    object
        Whatever the function returns.
    """
    on_device = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
    with _generators, on_device:
        of_torch = [module.get_rng_state() for module in _generator_modules(device)]
        of_numpy, of_python = np.random.get_state(), random.getstate()
        grad_enabled = torch.is_grad_enabled()

        def restore():
            for module, state in zip(_generator_modules(device), of_torch, strict=True):
                module.set_rng_state(state)
            np.random.set_state(of_numpy)
            random.setstate(of_python)
            torch.set_grad_enabled(grad_enabled)

        try:
            return function()
        finally:
            interrupt = None
            while True:
                try:
                    restore()
                    break
                except KeyboardInterrupt as error:
                    interrupt = error
            if interrupt is not None:
                raise interrupt


def seed_generators(device, seed, epoch):
    """Seed the global generators for one epoch of one model.

    Each epoch has a seed of its own, made from the model's, so that what an epoch
    draws depends on nothing that was drawn before it. Epoch 0 is the initialisation.
    """
    state = int(np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)[0])
    for module in _generator_modules(device):
        module.manual_seed(state)
    np.random.seed(state % 2**32)
    random.seed(state)


def _generator_modules(device):
    """Return the modules that hold torch's generators: the CPU, then the device."""
    if device.type == "cpu":
        return [_CPU]
    return [_CPU, torch.get_device_module(device)]


class _CPU:
    """The generator of the CPU; `torch.manual_seed` would seed all devices."""

    get_rng_state = staticmethod(torch.get_rng_state)
    set_rng_state = staticmethod(torch.set_rng_state)
    manual_seed = torch.default_generator.manual_seed
