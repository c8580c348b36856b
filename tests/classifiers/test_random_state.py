"""Seeds and the global random generators."""

import random

import numpy as np
import pytest
import torch

from skmnist.classifiers._random_state import (
    draw_seed,
    fork_rng,
    seed_generators,
)

CPU = torch.device("cpu")


def test_seeds():
    assert draw_seed(7) == 7
    assert draw_seed(np.random.RandomState(0)) == draw_seed(np.random.RandomState(0))
    state = np.random.get_state()[1].tolist()
    assert draw_seed(None) != draw_seed(None)
    assert np.random.get_state()[1].tolist() == state
    with pytest.raises(ValueError, match="between 0 and"):
        draw_seed(-1)


def test_generators_are_seeded_by_epoch_and_restored():
    def states():
        return (
            torch.get_rng_state().tolist(),
            random.getstate(),
            str(np.random.get_state()),
        )

    before = states()

    def draw(seed, epoch):
        def draw_from_all():
            seed_generators(CPU, seed, epoch)
            return torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()

        return fork_rng(CPU, draw_from_all)

    assert draw(0, 1) == draw(0, 1)
    assert draw(0, 1) != draw(0, 2)
    assert draw(0, 1) != draw(1, 1)
    with pytest.raises(ValueError, match="non-negative"):
        draw(0, -1)
    assert states() == before
