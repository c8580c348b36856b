"""Callbacks of skorch's kind: learning rate, early stopping."""

import copy
import dis

import torch
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from torch.optim.lr_scheduler import OneCycleLR

CONSTANT_FRACTION = 0.5
"""Fraction of `lr` that is used where a one-cycle schedule has no length to span."""


class OneCycle(LRScheduler):
    """One cycle of the learning rate over all batches of one `fit`.

    The rate rises from 1/25 of its peak to the peak over the first batches and then
    falls to almost nothing [1]_. The peak is the learning rate that the user asked for;
    momentum stays as it is.

    A cycle needs a known length. Where there is none (`partial_fit`, which sees one
    chunk of a stream, or a `fit` of a single batch), the rate is constantly half of the
    peak.

    Parameters
    ----------
    pct_start : float, default=0.1
        Part of the batches, between 0 and 1, over which the rate rises.
    anneal_strategy : {"cos", "linear"}, default="cos"
        Whether it rises and falls along a cosine or a line.
    max_gradient_norm : float, default=1.0
        Norm that the gradient of a batch is clipped to during a cycle, which keeps
        training stable at the peak.

    References
    ----------
    .. [1] L. N. Smith, N. Topin, "Super-Convergence: Very Fast Training of Neural
       Networks Using Large Learning Rates", 2018, arXiv:1708.07120.
    """

    def __init__(self, pct_start=0.1, anneal_strategy="cos", max_gradient_norm=1.0):
        super().__init__(policy=OneCycleLR, step_every="batch")
        self.pct_start = pct_start
        self.anneal_strategy = anneal_strategy
        self.max_gradient_norm = max_gradient_norm

    def on_train_begin(self, net, **kwargs):
        peaks = net._get_peak_learning_rates()
        n_done, n_batches = net._scheduled_batches
        if n_batches < 2:
            self.lr_scheduler_ = None
            for group, peak in zip(net.optimizer_.param_groups, peaks, strict=True):
                group["lr"] = peak * CONSTANT_FRACTION
        else:
            alone = self.pct_start * n_batches == 1
            self.lr_scheduler_ = OneCycleLR(
                net.optimizer_,
                max_lr=peaks,
                total_steps=n_batches,
                # torch divides by zero where the rate rises over exactly one batch
                pct_start=self.pct_start * 1.001 if alone else self.pct_start,
                anneal_strategy=self.anneal_strategy,
                cycle_momentum=False,
                last_epoch=n_done - 1,  # as torch calls the number of batches
            )

    def __getstate__(self):
        return {**vars(self), "lr_scheduler_": None}  # which holds the optimizer

    def on_grad_computed(self, net, named_parameters, **kwargs):
        if self.lr_scheduler_ is not None:
            weights = [weight for _, weight in named_parameters]
            torch.nn.utils.clip_grad_norm_(weights, self.max_gradient_norm)

    def on_batch_end(self, net, training, **kwargs):
        if self.lr_scheduler_ is not None:
            super().on_batch_end(net, training, **kwargs)

    def on_train_end(self, net, **kwargs):
        peaks = net._get_peak_learning_rates()
        for group, peak in zip(net.optimizer_.param_groups, peaks, strict=True):
            group["lr"] = peak


class StopWithoutImprovement(EarlyStopping):
    """skorch's `EarlyStopping` with the rule of scikit-learn's `MLPClassifier`.

    Training ends when the monitored value has, for more than `patience` epochs in a
    row, not come `threshold` beyond the best one so far. With `load_best` the network
    gets the weights of its best epoch back, and be that better by less than
    `threshold`.

    The parameters are those of `EarlyStopping`. An epoch without validation, as in
    `partial_fit`, counts for nothing.

    Raises
    ------
    ValueError
        If the history does not have the monitored value.

    Attributes
    ----------
    has_converged_ : bool
        Whether the training is to end. It is not ended by an exception, as skorch
        does it, so that callbacks further down the list see the last epoch too.
    """

    def on_train_begin(self, net, **kwargs):
        super().on_train_begin(net, **kwargs)
        self.best_score_ = self.dynamic_threshold_  # infinitely bad
        self.has_converged_ = False

    def on_epoch_end(self, net, dataset_valid=None, **kwargs):
        if self.monitor not in net.history[-1]:
            if dataset_valid is None and self.monitor.startswith("valid_"):
                return
            raise ValueError(
                f"Early stopping waits for {self.monitor!r}, which the history does "
                f"not have; it has {sorted(net.history[-1].keys() - {'batches'})}."
            )
        sign = -1 if self.lower_is_better else 1
        score = net.history[-1, self.monitor]
        enough = sign * score >= sign * self.dynamic_threshold_
        self.misses_ = 0 if enough else self.misses_ + 1
        self.has_converged_ = self.misses_ > self.patience
        if sign * score > sign * self.best_score_:
            self.best_score_ = score
            self.dynamic_threshold_ = self._calc_new_threshold(score)
            self.best_epoch_ = net.history[-1, "epoch"]
            if self.load_best:
                self.best_model_weights_ = copy.deepcopy(net.module_.state_dict())

    def on_train_end(self, net, **kwargs):
        if self.has_converged_:
            self._sink(
                f"Stopping since {self.monitor} has not improved by {self.threshold} "
                f"in the last {self.misses_} epochs.",
                verbose=net.verbose,
            )
        if self.best_model_weights_ is not None:
            super().on_train_end(net, **kwargs)
            self.best_model_weights_ = None  # or else they stay in memory


def sets_learning_rate(callbacks):
    """Whether one of the user's callbacks sets the learning rate.

    Parameters
    ----------
    callbacks : list of skorch callbacks or of pairs (name, callback), or None

    Returns
    -------
    bool
    """
    callbacks = [
        item[1] if isinstance(item, (tuple, list)) else item for item in callbacks or []
    ]
    return any(cb is LRScheduler or isinstance(cb, LRScheduler) for cb in callbacks)


def raised_by_callback(interrupt):
    """Tell the KeyboardInterrupt of a skorch callback from the one of the user.

    skorch's `EarlyStopping` ends training by raising KeyboardInterrupt in its hook.
    Ctrl-C may arrive there too, but never at a raise statement.

    Parameters
    ----------
    interrupt : KeyboardInterrupt

    Returns
    -------
    bool
    """
    in_callback, traceback = False, interrupt.__traceback__
    while True:
        frame = traceback.tb_frame
        in_callback |= isinstance(frame.f_locals.get("self"), Callback)
        if traceback.tb_next is None:
            break
        traceback = traceback.tb_next
    instruction = frame.f_code.co_code[traceback.tb_lasti]
    return in_callback and dis.opname[instruction] == "RAISE_VARARGS"
