"""Detection of trainings that diverge."""

import numpy as np
import torch


def check_convergence(estimator):
    """Record the mean loss of the epoch; raise ValueError if training diverged.

    Parameters
    ----------
    estimator : ImageClassifier
        After the batches of an epoch.
    """
    batches = [row for row in estimator.history[-1]["batches"] if "train_loss" in row]
    if not batches:
        raise ValueError(
            f"Got from iterator_train={estimator.iterator_train!r} no batch to train "
            "on. Pass a smaller batch_size, or drop_last=False."
        )
    losses, sizes = (
        [row[key] for row in batches] for key in ("train_loss", "train_batch_size")
    )
    loss = np.average(losses, weights=sizes)
    estimator.history.record("train_loss", loss)
    weights = (w for w in estimator.module_.parameters() if w.requires_grad)
    if np.isfinite(loss) and all(torch.isfinite(w).all() for w in weights):
        return
    came = (
        "the weights of the network are no longer finite"
        if np.isfinite(loss)
        else f"the training loss became {loss}"
    )
    raise ValueError(
        f"Training diverged in epoch {len(estimator.history)}: {came}. Pass a smaller "
        f"lr (it is {estimator.lr}), or look for extreme values in X."
    )
