"""One-cycle learning rate."""

import torch
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import OneCycleLR as TorchOneCycleLR

CONSTANT_FRACTION = 0.5
"""Fraction of the peak that is used where a cycle has no known length."""


class OneCycleLR(LRScheduler):
    """One cycle of the learning rate over all batches of one `fit`.

    `ImageClassifier(lr_schedule="onecycle")` uses it; with `lr_schedule=None` it can be
    passed in `callbacks`. It needs an `ImageClassifier`, which tells it the number of
    batches.

    The learning rate rises from 1/25 of its peak to the peak over the first batches and
    then falls to almost 0 [1]_. The peak is the parameter `lr` of the classifier; the
    momentum is constant.

    Without a known number of batches (`partial_fit`, or a `fit` with a single batch),
    the learning rate is constantly half of the peak.

    Parameters
    ----------
    pct_start : float, default=0.1
        Fraction of the batches, between 0 and 1, in which the learning rate rises.
    anneal_strategy : {"cos", "linear"}, default="cos"
        Whether it rises and falls along a cosine or a line.
    max_gradient_norm : float, default=1.0
        Norm to which the gradient of each batch is clipped during a cycle, which keeps
        the training stable at the peak.

    References
    ----------
    .. [1] L. N. Smith, N. Topin, "Super-Convergence: Very Fast Training of Neural
       Networks Using Large Learning Rates", 2018, arXiv:1708.07120.

    Examples
    --------
    >>> from skmnist import MnistCNNClassifier
    >>> clf = MnistCNNClassifier(callbacks__lr_schedule__pct_start=0.3)
    """

    def __init__(self, pct_start=0.1, anneal_strategy="cos", max_gradient_norm=1.0):
        super().__init__(policy=TorchOneCycleLR, step_every="batch")
        self.pct_start = pct_start
        self.anneal_strategy = anneal_strategy
        self.max_gradient_norm = max_gradient_norm

    @property
    def fraction_(self):
        """Current fraction of the peak; 0 without a cycle."""
        if self.lr_scheduler_ is None:
            return 0.0
        group = self.lr_scheduler_.optimizer.param_groups[0]
        return group["lr"] / group["max_lr"]

    def on_train_begin(self, net, n_batches=None, **kwargs):
        peaks = _get_learning_rates(net)
        if n_batches is None or n_batches < 2:
            self.lr_scheduler_ = None
            _set_learning_rates(net, [peak * CONSTANT_FRACTION for peak in peaks])
            return
        single = self.pct_start * n_batches == 1
        self.lr_scheduler_ = TorchOneCycleLR(
            net.optimizer_,
            max_lr=peaks,
            total_steps=n_batches,
            # torch divides by zero if the learning rate rises over exactly one batch
            pct_start=self.pct_start * 1.001 if single else self.pct_start,
            anneal_strategy=self.anneal_strategy,
            cycle_momentum=False,
        )

    def on_grad_computed(self, net, named_parameters, **kwargs):
        if self.lr_scheduler_ is not None:
            # named_parameters would search all layers, for each batch
            groups = net.optimizer_.param_groups
            weights = [weight for group in groups for weight in group["params"]]
            torch.nn.utils.clip_grad_norm_(weights, self.max_gradient_norm)

    def on_batch_end(self, net, training, **kwargs):
        if self.lr_scheduler_ is not None:
            super().on_batch_end(net, training, **kwargs)

    def on_train_end(self, net, **kwargs):
        _set_learning_rates(net, _get_learning_rates(net))

    def __getstate__(self):
        return {**vars(self), "lr_scheduler_": None}  # it holds the optimizer


def _get_learning_rates(net):
    """Learning rates that the parameters of the estimator give, one for each group."""
    (groups,), kwargs = net.get_params_for_optimizer(
        "optimizer", net.get_all_learnable_params()
    )
    return [group.get("lr", kwargs["lr"]) for group in groups]


def _set_learning_rates(net, rates):
    for group, rate in zip(net.optimizer_.param_groups, rates, strict=True):
        group["lr"] = rate
