"""The best training loop without skmnist, with the settings of its default recipe."""

import torch
from torch.nn import functional as F

from skmnist import MnistCNNClassifier
from skmnist.callbacks import OneCycleLR

BATCH_SIZE = 256
"""What `batch_size="auto"` is for the training digits of MNIST."""


def train_by_hand(network, batches, n_batches, precision):
    """Train for one epoch.

    Parameters
    ----------
    network : Module
        From pixels (n, 1, height, width) to log-probabilities (n, n_classes).
    batches : iterable of (tensor, tensor)
        Images and labels, on the device of the network.
    n_batches : int
        How many there are.
    precision : {"bfloat16", "float32"}
    """
    settings, schedule = MnistCNNClassifier(), OneCycleLR()
    weights = list(network.parameters())
    optimizer = settings.optimizer(
        weights, lr=settings.lr, precision=precision, fused=True
    )
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=settings.lr,
        total_steps=n_batches,
        pct_start=schedule.pct_start,
        cycle_momentum=False,
    )
    autocast = torch.autocast(
        weights[0].device.type, torch.bfloat16, enabled=precision == "bfloat16"
    )
    group = optimizer.param_groups[0]
    for step, (images, target) in enumerate(batches, start=1):
        optimizer.zero_grad()
        with autocast:
            output = network(images)
        # that of log-probabilities, which are their own logarithms of softmax
        loss = F.cross_entropy(
            output,
            target,
            label_smoothing=settings.label_smoothing * group["lr"] / settings.lr,
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, schedule.max_gradient_norm)
        optimizer.step()
        if step < n_batches:
            cycle.step()
