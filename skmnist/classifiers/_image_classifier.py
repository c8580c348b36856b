"""`Net`: skorch's hooks and the training loop, under `MnistCNNClassifier`."""

import copy
import inspect
import threading
import time
import warnings
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring, EpochTimer, PassthroughScoring, PrintLog
from skorch.dataset import ValidSplit
from skorch.exceptions import SkorchTrainingImpossibleError
from skorch.utils import is_dataset, to_tensor
from torch.utils.data import DataLoader

from skmnist.augmentation import RandomAffine
from skmnist.callbacks import (
    OneCycle,
    StopWithoutImprovement,
    raised_by_callback,
    sets_learning_rate,
)
from skmnist.classifiers._batch_loader import (
    PREDICTION_BATCH,
    Batches,
    LabelledImages,
    check_known,
    is_own,
    weights_of,
    with_array_indices,
)
from skmnist.classifiers._device import resolve_device, resolve_precision
from skmnist.classifiers._random_state import (
    run_with_private_generators,
    seed_generators,
    training_lock,
)
from skmnist.datasets import dataset_to_arrays
from skmnist.networks import CNN, uncompiled

NOT_PICKLED = (
    *("optimizer_", "_held_out_weights", "_before_training"),
    *("_callback_fit_ctx", "_skl_callbacks_to_teardown"),  # of scikit-learn's callbacks
)
"""Attributes that are there for training only."""

_predictions = {}
"""Estimator (by its id) and thread of each prediction that is under way."""

_CRITERION_REMEDY = "Pass a loss of torch.nn, or no weights."


class Net(NeuralNetClassifier):
    """skorch's net, trained on checked images from one tensor.

    What is public is skorch's; `MnistCNNClassifier` adds the parameters, and all that
    scikit-learn expects.
    """

    # What skorch's constructor would set on the instance; a scikit-learn estimator has
    # nothing but its parameters there before fit.
    history_ = None
    initialized_ = False
    virtual_params_ = {}  # noqa: RUF012 (replaced, never changed, by skorch)

    _before_training = None, None

    # Parameters of skorch's that this estimator decides: labels come from y, data from
    # arrays, and the network's logarithms are turned into probabilities by exp.
    classes = None
    predict_nonlinearity = staticmethod(torch.exp)
    prefixes_ = [  # noqa: RUF012 (replaced, never changed, by skorch)
        *("iterator_train", "iterator_valid", "callbacks", "compile", "augmentation")
    ]

    @property
    def _default_callbacks(self):
        accuracy = {"scoring": "accuracy", "lower_is_better": False}
        valid_acc = {**accuracy, "scoring": _score_held_out_images}
        schedule = [] if self.lr_schedule is None else [("lr_schedule", OneCycle())]
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
            ("train_acc", EpochScoring(**accuracy, name="train_acc", on_train=True)),
            ("valid_loss", PassthroughScoring("valid_loss")),
            ("valid_acc", EpochScoring(**valid_acc, name="valid_acc")),
            *schedule,
            *self._stopping,
            ("print_log", PrintLog()),
        ]

    @property
    def _stopping(self):
        """What ends the training early, as a list of callbacks: one or none."""
        constant = self.lr_schedule is None and not sets_learning_rate(self.callbacks)
        if not self.early_stopping and (self.tol is None or not constant):
            return []
        stop = StopWithoutImprovement(
            monitor="valid_acc" if self.early_stopping else "train_loss",
            lower_is_better=not self.early_stopping,
            patience=np.inf if self.tol is None else self.n_iter_no_change,
            threshold=self.tol or 0.0,
            threshold_mode="abs",
            load_best=self.early_stopping,
        )
        return [("stopping", stop)]

    def initialize_callbacks(self):
        super().initialize_callbacks()
        known = [name for name, _ in self._uniquely_named_callbacks()]
        for parameter in self.get_params_for("callbacks"):
            name = parameter.split("__")[0]
            if name not in known:
                raise ValueError(
                    f"Got callbacks__{parameter}, but with these parameters there is "
                    f"no callback {name!r}; there are {known}."
                )
        return self

    def initialize(self):
        """Build the network, optimizer and callbacks; `fit` does it.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If called before `fit` or `partial_fit` have seen the data.
        """
        if not hasattr(self, "image_shape_"):
            raise ValueError(
                f"{type(self).__name__} takes the shape of its network from the data, "
                "so it cannot be initialized before. Call fit or partial_fit."
            )
        return run_with_private_generators(self.device_, self._initialize)

    def _initialize(self):
        with torch.inference_mode(False):
            seed_generators(self.device_, self._seed, epoch=0)
            self.initialize_augmentation()
            super().initialize()
        self._set_training(False)  # until a batch is trained on
        return self

    def initialize_module(self):
        self.module_ = self._build_module()
        return self

    def _build_module(self):
        module, kwargs = self.module, self.get_params_for("module")
        if isinstance(module, torch.nn.Module):
            module = copy.deepcopy(module)  # fit changes no parameter
        if inspect.isclass(module) or kwargs:
            task = {
                "image_shape": self.image_shape_,
                "n_classes": len(self.classes_),
                "mean": self.pixel_mean_,
                "std": self.pixel_std_,
            }
            constructor = module if inspect.isclass(module) else type(module)
            named = inspect.signature(constructor).parameters
            kwargs = {**{k: v for k, v in task.items() if k in named}, **kwargs}
        return self.initialized_instance(module, kwargs)

    def _initialize_module(self, *args, **kwargs):
        with self._showing_resolved_device():
            return super()._initialize_module(*args, **kwargs)

    def initialize_augmentation(self):
        """Make `augmentation_` out of `augmentation` and its parameters."""
        augmentation, kwargs = self.augmentation, self.get_params_for("augmentation")
        if inspect.isclass(augmentation):
            augmentation = augmentation(**kwargs)
        elif kwargs and isinstance(augmentation, RandomAffine):
            augmentation = type(augmentation)(**{**vars(augmentation), **kwargs})
        elif kwargs:
            names = ", ".join(f"augmentation__{name}" for name in kwargs)
            raise ValueError(
                f"Got {names} and augmentation={augmentation!r}, which takes no "
                "parameters. Pass a class, such as augmentation=RandomAffine."
            )
        self.augmentation_ = augmentation

    def _initialize_criterion(self, *args, **kwargs):
        with self._showing_resolved_device():
            return super()._initialize_criterion(*args, **kwargs)

    def load_params(self, *args, **kwargs):
        check_is_fitted(self)
        self._make_optimizer_anew_if_missing()
        with self._showing_resolved_device():
            return super().load_params(*args, **kwargs)

    def get_params_for_optimizer(self, prefix, named_parameters):
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        if "fused" in inspect.signature(self.optimizer).parameters and not (
            {"foreach", "differentiable"} & set(kwargs)
        ):
            kwargs.setdefault("fused", True)  # one pass over the weights, not several
        return args, kwargs

    def get_dataset(self, X, y=None):
        return (
            X if is_dataset(X) else LabelledImages(self._check_X(X), y, self.classes_)
        )

    def forward(self, X, *args, **kwargs):
        predictor = self._get_predictor()
        if predictor is not self:
            return predictor.forward(X, *args, **kwargs)
        return super().forward(X, *args, **kwargs)

    def check_training_readiness(self):
        try:
            super().check_training_readiness()
        except SkorchTrainingImpossibleError as error:
            raise SkorchTrainingImpossibleError(
                f"{error}. Train a new {type(self).__name__}, or copy one before you "
                "trim it: copy.deepcopy(clf)."
            ) from None

    def get_split_datasets(self, X, y=None, **fit_params):
        if self.early_stopping:
            # from the seed alone: what a warm start holds out was never trained on
            split = ValidSplit(
                self.validation_fraction,
                stratified=True,
                random_state=self._seed % 2**32,
            )
            return split(self.get_dataset(X, y), y)
        train, valid = super().get_split_datasets(X, y, **fit_params)
        train, valid = with_array_indices(train), with_array_indices(valid)
        if valid is not None and not is_own(valid):  # skorch's predefined_split
            X_valid, y_valid = dataset_to_arrays(valid)
            check_known(np.unique(y_valid), self.classes_)
            valid = self.get_dataset(X_valid, y_valid)
        return train, valid

    def get_iterator(self, dataset, training=False):
        prefix = "iterator_train" if training else "iterator_valid"
        iterator, kwargs = getattr(self, prefix), self.get_params_for(prefix)
        kwargs.setdefault(
            "batch_size", self.batch_size if training else PREDICTION_BATCH
        )
        if kwargs["batch_size"] == -1:
            kwargs["batch_size"] = len(dataset)
        shuffles = inspect.isclass(iterator) and issubclass(
            iterator, (Batches, DataLoader)
        )
        if training and shuffles and not {"sampler", "batch_sampler"} & set(kwargs):
            kwargs.setdefault("shuffle", True)
        return iterator(dataset, **kwargs)

    def check_data(self, X, y=None):
        pass  # done by fit, before skorch is asked

    def notify(self, method_name, **kwargs):
        if kwargs.get("batch") is not None:  # callbacks see labels, as predict gives
            images, codes = kwargs["batch"]
            if not isinstance(codes, torch.Tensor):
                codes, _weights = codes
            kwargs["batch"] = images, self.classes_[codes.numpy()]
        if kwargs.get("y_pred") is not None:  # without its graph: some keep it
            kwargs["y_pred"] = kwargs["y_pred"].detach()
        super().notify(method_name, **kwargs)

    def on_epoch_begin(self, net, **kwargs):
        super().on_epoch_begin(net, **kwargs)
        seed_generators(self.device_, self._seed, epoch=len(self.history))

    def train_step(self, batch, **fit_params):
        if self.augmentation_ is not None:
            images, codes = batch
            batch = self._augment(to_tensor(images, device=self.device_)), codes
        return super().train_step(batch, **fit_params)

    def _augment(self, images):
        # a copy, because it may work in place, and the batch be a part of the user's X
        images = images.to(torch.get_default_dtype(), copy=True)
        augmented = self.augmentation_(images)
        if getattr(augmented, "shape", None) != images.shape:
            came = getattr(augmented, "shape", None)
            came = type(augmented).__name__ if came is None else tuple(came)
            raise ValueError(
                f"Got from augmentation={self.augmentation!r}, for a batch of shape "
                f"{tuple(images.shape)}, {came}; expected a tensor of the same shape."
            )
        return augmented

    def check_is_fitted(self, attributes=None, *args, **kwargs):
        # skorch asks before each batch
        if attributes or not self.initialized_:
            super().check_is_fitted(attributes, *args, **kwargs)

    def evaluation_step(self, batch, training=False):
        predictor = self._get_predictor()
        if predictor is not self:
            return predictor.evaluation_step(batch, training)
        return super().evaluation_step(batch, training)

    def _set_training(self, training=True):
        # skorch asks before each batch; going through all layers takes its time
        if self.module_.training != training:
            super()._set_training(training)

    def infer(self, x, **fit_params):
        x = to_tensor(x, device=self.device_)
        module = uncompiled(self.module_)
        if type(module) is not CNN:
            # a copy, because the network may work in place, and the batch may be a part
            # of the user's X; layers of torch's take no uint8
            is_derived = isinstance(module, CNN)
            dtype = x.dtype if is_derived else torch.get_default_dtype()
            x = x.to(dtype, copy=True)
        device_type = self.device_.type
        bfloat16 = self.precision_ == "bfloat16" and self.module_.training
        if not bfloat16 and not torch.is_autocast_enabled(device_type):
            return self.module_(x, **fit_params)  # the fast way, for a single image
        # cached copies of the weights would outlive the batch inside another autocast
        with torch.autocast(
            device_type, torch.bfloat16, enabled=bfloat16, cache_enabled=False
        ):
            output = self.module_(x, **fit_params)
        if bfloat16 and isinstance(output, torch.Tensor):
            output = output.to(torch.promote_types(output.dtype, torch.float32))
        return output

    def _infer_in_batches(self, images):
        """Put images (n, C, H, W) through the network, without what training needs."""
        size = getattr(self, "iterator_valid__batch_size", PREDICTION_BATCH)
        with torch.inference_mode():
            if size == -1 or len(images) <= size:  # a single image feels the splitting
                return self.evaluation_step((images, None)).cpu()
            outputs = [
                self.evaluation_step((part, None)) for part in images.split(size)
            ]
            return torch.cat(outputs).cpu()

    def get_loss(self, y_pred, y_true, X=None, training=False):
        # the parent's takes the logarithm first; y_pred is one already
        if isinstance(y_true, torch.Tensor):
            return self.criterion_(y_pred, to_tensor(y_true, device=self.device_))
        codes, weights = (to_tensor(part, device=self.device_) for part in y_true)
        reduction = self.criterion_.reduction
        self.criterion_.reduction = "none"
        try:
            losses = self.criterion_(y_pred, codes)
        finally:
            self.criterion_.reduction = reduction
        if losses.shape != weights.shape:
            raise ValueError(
                f"Got sample_weight or class_weight and a criterion "
                f"{type(self.criterion_).__name__} that gives, with reduction='none', "
                f"a loss of shape {tuple(losses.shape)} for {len(weights)} images; "
                f"expected one for each image. {_CRITERION_REMEDY}"
            )
        losses = weights * losses
        return losses.sum() if reduction == "sum" else losses.mean()

    def __getstate__(self):
        bare = object.__new__(type(self))
        vars(bare).update(vars(self))
        for name in NOT_PICKLED:
            vars(bare).pop(name, None)
        return super(Net, bare).__getstate__()

    def __setstate__(self, state):
        if "device_" not in state:  # not fitted
            vars(self).update(state)
            vars(self).pop("__cuda_dependent_attributes__")
            return
        requested, device = state["device"], state["device_"]
        if requested == "auto" and device.type != "cpu":
            device = resolve_device("auto")
        # skorch falls back to the CPU, with a warning, where `device` does not exist
        super().__setstate__({**state, "device": device})
        self.device_, self.device = torch.device(self.device), requested

    # Training -------------------------------------------------------------------------

    def _run_training(self, train, may_go_on):
        """Train, and leave the estimator as it was if that fails.

        A training that begins anew makes new objects; one that goes on, which `train`
        is told, changes those there. Meanwhile predictions in other threads come from
        the estimator as it was before, see `_ask`. This is no context manager, for the
        reason that `run_with_private_generators` gives.
        """
        with training_lock():
            goes_on = bool(may_go_on and self.initialized_)
            if "_before_training" in vars(self):
                raise RuntimeError(
                    f"Got a {type(self).__name__} to train in a callback of its own "
                    "training. Train a copy there: copy.deepcopy(net)."
                )
            before, trained = vars(self).copy(), []
            n_epochs = len(self.history) if goes_on else 0
            try:
                predictor = self._copy_for_predictions(goes_on)
                self._before_training = threading.get_ident(), predictor
                self._wait_for_predictions()
                if goes_on:
                    parts = (self.module_, self.criterion_, before.get("optimizer_"))
                    trained = [
                        (part, copy.deepcopy(part.state_dict()))
                        for part in parts
                        if hasattr(part, "state_dict")
                    ]
                train(goes_on)
            except BaseException:
                vars(self).update(before)
                for name in vars(self).keys() - before.keys() - {"_before_training"}:
                    delattr(self, name)
                for part, state in trained:
                    part.load_state_dict(state)
                if goes_on:
                    super()._set_training(False)
                    del self.history[n_epochs:]
                raise
            finally:
                vars(self).pop("_before_training", None)

    def _ask(self, predict, X):
        """Predict with the estimator, or as it was if another thread trains it.

        Parameters
        ----------
        predict : callable
            Takes the estimator to predict with.
        X : object
            What to predict.
        """
        # what is not cut into batches here draws from the global generators, for which
        # it waits until no estimator trains; so it does before a training waits for it
        draws = self.iterator_valid is not Batches or is_own(X)
        with training_lock() if draws else nullcontext():
            prediction = object()
            try:
                _predictions[prediction] = id(self), threading.current_thread()
                return predict(self._get_predictor())
            finally:
                _predictions.pop(prediction, None)

    def _wait_for_predictions(self):
        """Wait for predictions in other threads that began before the training."""
        current = threading.current_thread()
        awaited = {
            prediction: thread
            for prediction, (estimator, thread) in _predictions.copy().items()
            if estimator == id(self) and thread != current
        }
        while any(p in _predictions and t.is_alive() for p, t in awaited.items()):
            time.sleep(0.001)

    def _get_predictor(self):
        """What predicts in this thread: the estimator, or what it was."""
        thread, predictor = self._before_training
        if thread in (None, threading.get_ident()):
            return self
        if isinstance(predictor, Exception):
            raise RuntimeError(
                f"Got images to predict in one thread while another trains this "
                f"{type(self).__name__}, whose network cannot be copied: {predictor}. "
                "Predict when the training has ended."
            )
        return predictor

    def _copy_for_predictions(self, goes_on):
        """A copy that a training does not change, or what keeps it from being made."""
        frozen = object.__new__(type(self))
        vars(frozen).update(vars(self))
        if goes_on:
            try:
                with torch.inference_mode(False):
                    frozen.module_ = copy.deepcopy(self.module_)
            except Exception as error:  # of a network of the user's
                return error
        return frozen

    def _train(self, X, y, weights, task, incremental=False, n_finished=0):
        """Run the epochs, as skorch does, but with generators of our own.

        `n_finished` epochs of the same training are over already.
        """
        run_with_private_generators(
            self.device_,
            partial(self._run_epochs, X, y, weights, task, incremental, n_finished),
        )

    def _run_epochs(self, X, y, weights, task, incremental, n_finished):
        task, task_data = task
        task_data = {
            **task_data,
            "reconstruction_attributes": self._get_copied_attributes,
        }
        no_autocast = torch.autocast(self.device_.type, enabled=False)  # of the caller
        with torch.inference_mode(False), torch.enable_grad(), no_autocast:
            seed_generators(self.device_, self._seed, epoch=len(self.history))
            images = LabelledImages(X, y, self.classes_, weights)
            train, valid = images, None
            if not incremental:
                train, valid = self.get_split_datasets(images, y)
            self._scale_weights(images, train, incremental)
            self._n_earlier_epochs = len(self.history) - n_finished
            datasets = {"dataset_train": train, "dataset_valid": valid}
            batches = {
                "train": self.get_iterator(train, training=True),
                "valid": None if valid is None else self.get_iterator(valid),
            }
            self._held_out_weights = None if valid is None else weights_of(valid)
            self._scheduled_batches = (0, 0)
            if self.lr_schedule is not None and not incremental:
                n_batches = len(batches["train"])
                self._scheduled_batches = (
                    n_finished * n_batches,
                    (n_finished + task.max_subtasks) * n_batches,
                )
            self.notify("on_train_begin", X=X, y=y)
            reduction = getattr(self.criterion_, "reduction", None)
            try:
                for _ in range(task.max_subtasks):
                    epoch = task.subcontext(task_name="epoch")
                    epoch.call_on_fit_task_begin(**task_data)
                    stop = self._train_epoch(batches, datasets)
                    stop |= epoch.call_on_fit_task_end(**task_data)
                    if stop:
                        break
            except KeyboardInterrupt:
                warnings.warn(
                    f"Training interrupted by user after {self.n_iter_} full "
                    "epochs; the estimator keeps what it has learned so far.",
                    stacklevel=9,
                )
            # what Ctrl-C may have kept a scoring callback, and get_loss, from undoing
            vars(self).pop("forward_iter", None)
            if reduction is not None:
                self.criterion_.reduction = reduction
            self.notify("on_train_end", X=X, y=y)
            super()._set_training(False)  # all layers: some may have been left out
            del self._held_out_weights
            task.call_on_fit_task_end(**task_data)

    def _train_epoch(self, batches, datasets):
        """Train one epoch, validate, and return whether a callback ends the training.

        Callbacks of skorch's do it by a KeyboardInterrupt.
        """
        try:
            self.notify("on_epoch_begin", **datasets)
            self.run_single_epoch(batches["train"], True, "train", self.train_step)
            self.run_single_epoch(
                batches["valid"], False, "valid", self.validation_step
            )
            self._record_train_loss()
            self.notify("on_epoch_end", **datasets)
        except KeyboardInterrupt as interrupt:
            if raised_by_callback(interrupt):
                return True
            raise
        return any(
            isinstance(callback, StopWithoutImprovement) and callback.has_converged_
            for _, callback in self.callbacks_
        )

    def _scale_weights(self, images, train, incremental):
        """Scale the weights to mean 1 over all images that are trained on.

        Those are the images of this `fit` that are not held out, or of all calls of
        `partial_fit` so far.

        Parameters
        ----------
        images : LabelledImages
            All images; their weights are scaled, or left out where all are equal.
        train : data set
            Those of them that are trained on.
        """
        weights = weights_of(train)
        n_so_far, sum_so_far = self._weights_so_far if incremental else (0, 0.0)
        n_so_far += len(train)
        sum_so_far += len(train) if weights is None else float(weights.sum())
        self._weights_so_far = n_so_far, sum_so_far
        if images.weights is None:
            images.weights = torch.ones(len(images), dtype=torch.float64)
        scaled = images.weights / (sum_so_far / n_so_far)
        images.weights = scaled.to(torch.get_default_dtype())
        if torch.all(images.weights == 1):
            images.weights = None
            return
        name = type(self.criterion_).__name__
        if not hasattr(self.criterion_, "reduction"):
            raise ValueError(
                f"Got sample_weight or class_weight and a criterion {name}, which "
                "cannot give the loss of each image: it has no attribute reduction. "
                + _CRITERION_REMEDY
            )
        if getattr(self.criterion_, "weight", None) is not None:
            raise ValueError(
                f"Got sample_weight or class_weight and a criterion {name} with "
                "weights of its own. Pass class_weight instead of criterion__weight."
            )

    def _record_train_loss(self):
        """Record the mean loss of an epoch; raise ValueError if training diverged.

        This comes before the callbacks at the end of the epoch, which may predict with
        the network, or write it to a file.
        """
        batches = [row for row in self.history[-1]["batches"] if "train_loss" in row]
        if not batches:
            raise ValueError(
                f"Got from iterator_train={self.iterator_train!r} no batch to train "
                "on. Pass a smaller batch_size, or drop_last=False."
            )
        losses, sizes = (
            [row[key] for row in batches] for key in ("train_loss", "train_batch_size")
        )
        loss = np.average(losses, weights=sizes)
        self.history.record("train_loss", loss)
        weights = (w for w in self.module_.parameters() if w.requires_grad)
        if np.isfinite(loss) and all(torch.isfinite(w).all() for w in weights):
            return
        came = (
            "the weights of the network are no longer finite"
            if np.isfinite(loss)
            else f"the training loss became {loss}"
        )
        raise ValueError(
            f"Training diverged in epoch {len(self.history)}: {came}. Pass a smaller "
            f"lr (it is {self.lr}), or look for extreme values in X."
        )

    def _check_output(self, images):
        """Raise ValueError if the user's own network gives no log-probabilities."""
        with torch.no_grad():
            output = run_with_private_generators(
                self.device_, partial(self.infer, images)
            )
        shape = tuple(getattr(output, "shape", ()))
        expected = (len(images), len(self.classes_))
        sums = output.exp().sum(1).tolist() if shape == expected else None
        if shape != expected or not np.allclose(sums, 1, atol=1e-3):
            came = (
                f"a {type(output).__name__} of shape {shape}"
                if sums is None
                else (f"something whose exp sums to {sums[0]:.4g} over the classes")
            )
            raise ValueError(
                f"Got from the module {type(self.module_).__name__}, for {len(images)} "
                f"images, {came}; expected log-probabilities of shape {expected}. End "
                "its forward method with torch.nn.functional.log_softmax(..., dim=1)."
            )

    def _get_copied_attributes(self):
        """What a copy of the estimator needs to stay as it is while training goes on.

        The network is not here: copying an estimator copies it anyway.
        """
        return {"history_": copy.copy(self.history_)}

    def _make_optimizer_anew_if_missing(self):
        """Give an estimator that comes from a pickle its optimizer back."""
        if self.initialized_ and not hasattr(self, "optimizer_"):
            self._initialize_optimizer()

    def _resolve_precision(self):
        """What `precision` asks for, with this network on this device."""
        precision, module = self.precision, uncompiled(self.module_)
        # another network may mix types in a way that autocast does not allow, and hooks
        # such as SkorchDoctor's turn activations into NumPy arrays, which cannot be
        # bfloat16 (torch has no public way to ask for hooks)
        watched = any(part._forward_hooks for part in module.modules())
        if precision == "auto" and (type(module) is not CNN or watched):
            precision = "float32"
        precision = resolve_precision(precision, self.device_)
        # a network of the user's that was built while float64 was torch's default
        if any(w.dtype == torch.float64 for w in self.module_.parameters()):
            precision = "float64"
        return precision

    def _get_peak_learning_rates(self):
        """What the parameters say of the learning rate of each parameter group."""
        (groups,), kwargs = self.get_params_for_optimizer(
            "optimizer", self.get_all_learnable_params()
        )
        return [group.get("lr", kwargs["lr"]) for group in groups]

    @contextmanager
    def _showing_resolved_device(self):
        """Let skorch find the resolved device in `device`, which may be "auto"."""
        requested, self.device = self.device, str(self.device_)  # safetensors' way
        try:
            yield
        finally:
            self.device = requested


def _score_held_out_images(net, X, y):
    """Accuracy on the images that a training holds out, weighted as they are."""
    return net.score(X, y, net._held_out_weights)
