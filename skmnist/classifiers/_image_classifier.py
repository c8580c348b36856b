"""`ImageClassifier`: any network of images as a scikit-learn classifier."""

import copy
import inspect
import math
import warnings
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochTimer, PassthroughScoring, PrintLog
from skorch.dataset import ValidSplit
from skorch.exceptions import SkorchTrainingImpossibleError
from skorch.utils import is_dataset, to_tensor
from torch.utils.data import DataLoader

from skmnist.callbacks import EarlyStopping, OneCycleLR
from skmnist.classifiers._augmentation import (
    Augmenter,
    build_augmentation,
    find_averages,
)
from skmnist.classifiers._batch_loader import (
    LabelledImages,
    TensorBatchLoader,
    WithPositions,
    index_by_array,
    is_labelled_images,
    prediction_batch_size,
    select,
    training_batch_size,
)
from skmnist.classifiers._concurrency import get_predictor, run_prediction, run_training
from skmnist.classifiers._device_and_precision import resolve_device, resolve_precision
from skmnist.classifiers._divergence import check_convergence
from skmnist.classifiers._epoch import (
    BATCH_HOOKS,
    is_watched,
    notify_of_batch,
    run_unwatched_epoch,
)
from skmnist.classifiers._fit_callbacks import (
    TrainingAccuracy,
    ValidationScoring,
    drop_training_control,
    find_checkpoint,
    get_callback_names,
    has_lr_scheduler,
    move_checkpoint_to_end,
    score_validation_data,
)
from skmnist.classifiers._freed_memory import keep_freed_memory
from skmnist.classifiers._image_input import may_draw, open_images_and_labels
from skmnist.classifiers._input_validation import (
    as_labels,
    as_weights,
    check_known_labels,
    validate_images,
    validate_training_data,
)
from skmnist.classifiers._label_smoothing import get_label_smoothing, smooth_loss
from skmnist.classifiers._network_contract import (
    build_module,
    check_batch_normalization,
    check_log_probabilities,
    declares,
)
from skmnist.classifiers._parameter_validation import (
    check_class_counts,
    check_parameters,
)
from skmnist.classifiers._pixel_scale import warn_of_other_scale
from skmnist.classifiers._pixel_statistics import pixel_statistics
from skmnist.classifiers._random_state import draw_seed, fork_rng, seed_generators
from skmnist.classifiers._sample_weights import (
    compute_weighted_loss,
)
from skmnist.classifiers._training_loop import Split, train
from skmnist.datasets import dataset_to_arrays
from skmnist.networks import CNN, PairCNN, ResNet, uncompiled

NOT_PICKLED = {
    *("optimizer_", "_batch_sizes"),
    *("_callback_fit_ctx", "_skl_callbacks_to_teardown"),  # of scikit-learn, in fit
}
"""Attributes that pickles and copies do not hold."""


def as_probabilities(log_probabilities):
    """Return the exponentials, but none that is 0: each must have a logarithm."""
    probabilities = log_probabilities.exp()
    return probabilities.clamp_(min=torch.finfo(probabilities.dtype).tiny)


class ImageClassifier(CallbackSupportMixin, NeuralNetClassifier):
    """Classifier that trains any PyTorch network on images.

    It is a skorch `NeuralNetClassifier` that follows scikit-learn's conventions for
    classifiers. X holds raw pixels as rows, as (n, height, width) or as
    (n, channels, height, width), of any numeric type; y holds labels of any type. The
    mean and standard deviation of the pixels are computed in `fit` and passed to the
    network, so users never scale, reshape or encode anything.

    Parameters
    ----------
    module : torch.nn.Module, class or instance
        The network. It takes raw pixels, a float32 tensor of shape
        (n, channels, height, width), and returns log-probabilities of shape
        (n, n_classes). A class is instantiated with those of `image_shape`,
        `n_classes`, `mean` and `std` that its constructor names, and with the
        `module__...` parameters. An instance is copied and stays untrained. See Notes
        for what else a network may define.
    lr : float, default=0.002
        Learning rate, above 0. With `lr_schedule="onecycle"`, the peak.
    lr_schedule : {"onecycle"} or None, default="onecycle"
        "onecycle" raises the learning rate to `lr` and lowers it again over the
        `max_epochs` of one `fit`, and clips the gradient norm to 1
        (`callbacks__lr_schedule__max_gradient_norm`); `partial_fit` trains with the
        constant `lr / 2`. None keeps `lr` constant.
    max_epochs : int, default=10
        Number of passes over the training data, at least 1.
    batch_size : int or "auto", default=64
        Images per training batch, at least 1; -1 for a single batch of all images.
        "auto" is 256, or fewer for less than 16,384 images: a 64th of them, but at
        least 32. A single image that remains joins the batch before it.
    label_smoothing : float, default=0.0
        Fraction of each label, in [0, 1), that the loss spreads over all classes while
        the learning rate is at its peak. It falls to 0 with the learning rate, so that
        probabilities stay calibrated. Only used in a cycle of the learning rate, with a
        criterion that is an `NLLLoss`.
    image_shape : tuple of three int, default=None
        Channels, height and width of images that are passed as rows of pixels. None:
        one channel and a square; if the number of pixels is not a square number, they
        are laid out on the next larger square, with a warning.
    random_state : int, RandomState instance or None, default=None
        Controls the initial weights, the order of the images and all other random
        draws. Pass an int for reproducible results. The global generators of NumPy,
        torch and Python are neither read nor changed; concurrent trainings in threads
        of one process wait for each other.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, multiplied with `sample_weight`: a dict from
        label to weight (1 for missing labels), or "balanced" for weights inversely
        proportional to the (weighted) number of images of each class.
    early_stopping : bool, default=False
        Whether to stop training when the validation score stops improving, and restore
        the best weights. Combine it with `lr_schedule=None`: a cycle spans all
        `max_epochs`, and most is learned at its end. `partial_fit` never holds out
        validation data.
    validation_fraction : float, default=0.1
        Fraction of the images to hold out for early stopping, between 0 and 1,
        stratified by class. Only used if `early_stopping=True`.
    n_iter_no_change : int, default=10
        Maximum number of consecutive epochs, at least 1, without an improvement of
        `tol`. Training stops after the next one.
    tol : float or None, default=1e-4
        Minimum improvement, at least 0: of the validation accuracy (a fraction) if
        `early_stopping=True`; otherwise of the training loss, and only if the learning
        rate is constant (neither `lr_schedule` nor an `LRScheduler` in `callbacks`).
        None disables this criterion.
    warm_start : bool, default=False
        Whether `fit` continues with the weights of the previous `fit`. The labels and
        the image shape must then be the same.
    device : "auto", str or torch.device, default="auto"
        Device for training and prediction. "auto" is the first available of cuda, mps
        and cpu; `fit` resolves it, see `device_`.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Precision of the computations in training; weights are always float32. bfloat16
        is faster on processors that multiply in it natively and slower on others.
        "auto" uses it on processors that report native support, if the network
        declares that it supports bfloat16 and has no forward hooks, such as those of
        skorch's `SkorchDoctor`; see `precision_`. Predictions always use float32, so
        that a model gives the same probabilities on all processors. If torch's default
        dtype is float64, everything is float64.
    augmentation : callable, class, list of these or None, default=None
        Transforms each training batch, a float tensor (n, channels, height, width) of
        raw pixels on the device, into a tensor of the same shape: `AlternatingFlip`,
        `RandomAffine`, `RandomErasing`, `RandomFlip` or `RandomShift` of `skmnist`, a
        transform of torchvision v2 or kornia, or a function. It may work in place.
        Transforms that mix labels (MixUp, CutMix) are refused. Those of a list are
        applied in turn. A function with a parameter `positions` or `epoch` also
        receives the positions of the images in X, an int64 tensor (n,) on the device,
        or the number of epochs before this one, those of earlier trainings included.
        Set the parameters of a class by `augmentation__...`, and in a list, with its
        name in lower case, by `augmentation__randomshift__...`.
    verbose : int, default=0
        0 is silent, 1 prints one line per epoch.
    criterion : torch loss (class), default=torch.nn.NLLLoss
        Loss of log-probabilities and encoded labels.
    optimizer : torch optimizer (class), default=torch.optim.AdamW
        Set its parameters by `optimizer__...`. It is fused if it can be, unless
        `optimizer__fused=False`.
    iterator_train, iterator_valid : iterable (class), default=TensorBatchLoader
        Loaders of batches for training and for prediction. With `..._num_workers=2`,
        two processes read a `Dataset` or other source ahead;
        `torch.utils.data.DataLoader` works too, but is slower. Training shuffles unless
        `iterator_train__shuffle=False`; prediction uses batches of 128 (512 on
        a GPU) unless `iterator_valid__batch_size` is set.
    train_split : callable or None, default=None
        Splits off validation data, such as skorch's `ValidSplit`; `history` then has
        `valid_loss` and `valid_acc`. None trains on all data, unless `early_stopping`
        holds some out.
    callbacks : list of callbacks or None, default=None
        Callbacks of skorch, in addition to the default ones; their batches hold labels,
        not encoded labels. An `LRScheduler` requires `lr_schedule=None`. With a
        `skmnist.callbacks.TrainingCheckpoint`, an interrupted `fit` can be resumed.
    compile : bool, default=False
        Whether to compile the network with `torch.compile`.
    use_caching : bool or "auto", default="auto"
        Whether scoring callbacks cache predictions; "auto" leaves it to each of them.
    torch_load_kwargs : dict or None, default=None
        Passed to `torch.load` by `load_params`.
    **kwargs
        Parameters of the parts, as in skorch: `module__...`, `optimizer__...`,
        `criterion__...`, `iterator_train__...`, `iterator_valid__...`,
        `augmentation__...`, `callbacks__...`, `compile__...`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of pixels per image over all channels, whatever the layout of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X was a data frame with string column names.
    image_shape_ : tuple of three int
        Channels, height and width of the training images.
    pixel_mean_, pixel_std_ : ndarray of shape (channels,)
        Mean and standard deviation of the training pixels.
    pixel_range_ : tuple of two float
        Smallest and largest training pixel.
    loss_curve_ : list of float
        Mean (weighted) training loss of each completed epoch, while the network was
        trained; without label smoothing.
    validation_scores_ : list of float, or None
        (Weighted) validation accuracy after each completed epoch; None without
        validation data.
    best_validation_score_ : float, or None
        Highest validation score of the last training, which is that of the weights
        that `early_stopping` restored.
    n_iter_ : int
        Number of completed epochs, including those of the trainings that were
        continued.
    device_ : torch.device
        Device of the network.
    precision_ : {"float32", "bfloat16", "float64"}
        Precision of the training.
    module_ : torch.nn.Module
        The trained network.
    history : skorch.history.History
        For each epoch: `train_loss`, `train_acc` (accuracy of the batches at the time
        they were trained on, which costs nothing extra), `dur` (seconds), and with
        validation data `valid_loss` and `valid_acc`; for each batch: `train_loss`.

    See Also
    --------
    MnistCNNClassifier : The same with a convolutional network for MNIST.
    skorch.NeuralNetClassifier : The parent class; its methods work here too.

    Notes
    -----
    A network may define three more things:

    - `accepts_raw_pixels = True`: it takes pixels of any dtype and does not modify them
      in place, so that uint8 batches are passed without a copy.
    - `supports_bfloat16 = True`: it trains well in bfloat16 with autocast, so that
      `precision="auto"` may select it.
    - `initialize_from_data(images, sample_weight)`: a method that is called once,
      before the first epoch, without gradients. It receives training images, at most
      5,000 and evenly spaced, as a CPU tensor of shape (n, channels, height, width),
      and their weights, an array of shape (n,) or None.

    The first two are class attributes, and apply to the class that defines them, not to
    its subclasses.

    On the CPU, and with the same number of threads, the same `random_state` gives
    bit-identical models. Ctrl-C during `fit` ends the training with a warning and keeps
    what has been learned. A callback that raises `skmnist.callbacks.StopTraining` ends
    it without one.

    Several threads may predict with one estimator. While one thread trains it, other
    threads predict with its state before the training; before the first `fit` has
    ended, they raise `NotFittedError`. During training, other threads should not draw
    from the global generators, and a callback must not wait for a training in another
    thread, or for a prediction through a `DataLoader`: this would be a deadlock.

    A subclass that changes predictions overrides `evaluation_step(batch, training)`,
    which returns the log-probabilities of a batch: `predict`, `predict_proba` and
    `predict_log_proba` follow. An override of `predict_proba` changes `predict` and
    `score`, as in skorch, but not `predict_log_proba`, and vice versa.

    scikit-learn callbacks (`set_callbacks`) receive a task "fit" with a subtask "epoch"
    for each epoch; a callback that returns True at the end of an epoch ends the
    training. They are independent of the skorch callbacks in `callbacks`.

    Pickles and copies hold the network and the history, but neither the training data
    nor the state of the optimizer: continued training starts with momentum 0.
    `save_params(f_optimizer=...)` saves that state.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_digits
    >>> from skmnist.classifiers import ImageClassifier
    >>> class Perceptron(torch.nn.Module):
    ...     def __init__(self, image_shape, n_classes, mean, std, hidden_units=64):
    ...         super().__init__()
    ...         self.mean, self.std = float(mean[0]), float(std[0])
    ...         channels, height, width = image_shape
    ...         self.hidden = torch.nn.Linear(channels * height * width, hidden_units)
    ...         self.output = torch.nn.Linear(hidden_units, n_classes)
    ...
    ...     def forward(self, X):
    ...         X = ((X - self.mean) / self.std).flatten(1)
    ...         return self.output(self.hidden(X).relu()).log_softmax(dim=1)
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = ImageClassifier(Perceptron, module__hidden_units=32, random_state=0)
    >>> bool(clf.fit(X, y).score(X, y) > 0.95)
    True
    """

    # skorch's constructor sets these on the instance; scikit-learn allows nothing but
    # parameters there before fit.
    history_ = None
    initialized_ = False
    virtual_params_ = {}  # noqa: RUF012 (replaced, never changed, by skorch)

    # Images per batch of the loaders, while a training runs.
    _batch_sizes = {}  # noqa: RUF012 (replaced, never changed, by train)

    # Parameters of skorch that are fixed here: labels come from y, data from arrays,
    # and exp turns the log-probabilities of the network into probabilities.
    classes = None
    predict_nonlinearity = staticmethod(torch.exp)
    prefixes_ = [  # noqa: RUF012 (replaced, never changed, by skorch)
        *("iterator_train", "iterator_valid", "callbacks", "compile", "augmentation")
    ]

    def __init__(
        self,
        module,
        *,
        lr=0.002,
        lr_schedule="onecycle",
        max_epochs=10,
        batch_size=64,
        label_smoothing=0.0,
        image_shape=None,
        random_state=None,
        class_weight=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        device="auto",
        precision="auto",
        augmentation=None,
        verbose=0,
        criterion=torch.nn.NLLLoss,
        optimizer=torch.optim.AdamW,
        iterator_train=TensorBatchLoader,
        iterator_valid=TensorBatchLoader,
        train_split=None,
        callbacks=None,
        compile=False,
        use_caching="auto",
        torch_load_kwargs=None,
        **kwargs,
    ):
        # skorch's __setattr__ refuses torch modules here
        vars(self).update(module=module, criterion=criterion)
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.label_smoothing = label_smoothing
        self.image_shape = image_shape
        self.random_state = random_state
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.device = device
        self.precision = precision
        self.augmentation = augmentation
        self.verbose = verbose
        self.optimizer = optimizer
        self.iterator_train = iterator_train
        self.iterator_valid = iterator_valid
        self.train_split = train_split
        self.callbacks = callbacks
        self.compile = compile
        self.use_caching = use_caching
        self.torch_load_kwargs = torch_load_kwargs
        vars(self).update(kwargs)

    # scikit-learn's contract ----------------------------------------------------------

    @with_callbacks
    def fit(self, X, y=None, sample_weight=None):
        """Train the network on images and their labels.

        With a `skmnist.callbacks.TrainingCheckpoint` in `callbacks`, an interrupted
        training is resumed after its last completed epoch.

        Parameters
        ----------
        X : array-like, tensor, `Dataset` or `skmnist.datasets.LazyImages`
            Raw pixels of shape (n, channels*height*width), (n, height, width) or
            (n, channels, height, width), of any numeric type, or any other source that
            `LazyImages` takes. uint8 is kept, other types are converted to float32.
            Sources that are larger than scikit-learn's setting `working_memory`,
            memory maps, and arrays that cannot be written to are read in batches; other
            sources are read into memory.
        y : array-like of shape (n,), default=None
            Labels of at least two classes, of any type that scikit-learn supports.
            None: the labels that X has.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images in the loss and in the pixel statistics, at least 0;
            only their ratios matter. Images of weight 0 are dropped, but their labels
            stay in `classes_`. None gives all images the same weight.

        Returns
        -------
        ImageClassifier
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data is invalid. If the training diverges: the loss or
            a weight is not finite. The estimator is then as it was before.

        Warns
        -----
        UserWarning
            If Ctrl-C ended the training; the estimator stays usable. If rows of pixels
            are laid out on a larger square.
        """
        self.check_training_readiness()
        check_parameters(self)
        data = self._validate_training_data(X, y, sample_weight)
        check_class_counts(self, data.y, weighted=data.weights is not None)
        checkpoint = find_checkpoint(self)
        n_finished = 0
        if checkpoint is not None:
            arguments = self, data.images, data.y, data.weights
            n_finished = self._read(X, lambda: checkpoint.prepare(*arguments))
        task = self._start_task("fit", data, int(self.max_epochs) - n_finished)

        def run(resume):
            self._prepare(data, resume)
            self._n_earlier_epochs = len(self.history)
            if n_finished:
                checkpoint.restore(self)
            epochs = {"resume": resume, "n_finished": n_finished}
            fork_rng(self.device_, lambda: train(self, data, task, **epochs))

        run_training(self, run, may_resume=self.warm_start)
        return self

    @with_callbacks
    def partial_fit(self, X, y=None, classes=None, sample_weight=None):
        """Train the network for one epoch on one chunk of a stream.

        Training continues from the previous `fit` or `partial_fit`. With
        `lr_schedule="onecycle"` the learning rate is the constant `lr / 2`, because a
        cycle needs a known length. There is no validation. The pixel statistics of the
        first chunk are used for all chunks.

        Parameters
        ----------
        X : array-like, tensor, `Dataset` or `skmnist.datasets.LazyImages`
            Raw pixels, as in `fit`.
        y : array-like of shape (n,), default=None
            Labels; each must be among the classes. None: the labels that X has.
        classes : array-like of shape (n_classes,), default=None
            All labels that occur in any call. Required in the first call; optional, but
            the same, in later calls.
        sample_weight : array-like of shape (n,), default=None
            As in `fit`, and on the same scale in all calls: an image counts in
            proportion to the mean weight of all images so far.

        Returns
        -------
        ImageClassifier
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            As in `fit`; if `classes` is missing, changed or incomplete; and with
            `class_weight="balanced"`, which needs all data at once.
        """
        self.check_training_readiness()
        check_parameters(self)
        if isinstance(self.class_weight, str):
            raise ValueError(
                "Got class_weight='balanced' in partial_fit, which does not know how "
                "many images of each class will come. Pass a dict of weights by label; "
                "sklearn.utils.class_weight.compute_class_weight makes one."
            )
        if classes is not None:
            classes = LabelEncoder().fit(as_labels(classes)).classes_
        elif self.initialized_:
            classes = self.classes_
        else:
            raise ValueError(
                "Got no classes in the first call of partial_fit, expected all labels "
                "that occur in any call. Pass classes=..."
            )
        data = self._validate_training_data(X, y, sample_weight, classes)
        task = self._start_task("partial_fit", data, n_epochs=1)

        def run(resume):
            self._prepare(data, resume)
            self._n_earlier_epochs = len(self.history)
            epochs = {"resume": resume, "incremental": True}
            fork_rng(self.device_, lambda: train(self, data, task, **epochs))

        run_training(self, run, may_resume=True)
        return self

    def predict(self, X):
        """Predict the label of each image.

        Parameters
        ----------
        X : array-like, tensor, `Dataset` or `skmnist.datasets.LazyImages`
            Raw pixels on the scale of the training images, in any layout of `fit`.

        Returns
        -------
        ndarray of shape (n,)
            Labels from `classes_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X does not hold images of the training shape, or pixels so far off the
            training scale that the network overflows.

        Warns
        -----
        UserWarning
            If the pixels cannot be on the scale of the training images: none of them
            reaches a sixth of the root mean square of the training pixels; or their
            mean exceeds the largest training pixel; or more than a fiftieth of them
            are below minus a tenth of the largest training pixel, while no training
            pixel was negative. Signs are ignored in the first two. X counts as a whole,
            and an X of equal pixels is never reported.
        """

        def predict(clf):
            y_encoded = clf.predict_proba(X).argmax(axis=1)
            return clf.classes_[y_encoded]

        return self._run_prediction(predict, X)

    def predict_proba(self, X):
        """Predict the probability of each class for each image.

        Parameters
        ----------
        X : array-like, tensor, `Dataset` or `skmnist.datasets.LazyImages`
            Raw pixels, as in `predict`.

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            Probabilities in the order of `classes_`; rows sum to 1. None is 0, so that
            each has a logarithm: smaller ones become the smallest normal float32,
            1.2e-38.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `predict`.

        Warns
        -----
        UserWarning
            As in `predict`.
        """
        return self._run_prediction(lambda clf: clf._predict(X, as_probabilities), X)

    def predict_log_proba(self, X):
        """Predict the logarithm of the probability of each class for each image.

        Parameters
        ----------
        X : array-like, tensor, `Dataset` or `skmnist.datasets.LazyImages`
            Raw pixels, as in `predict`.

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            Natural logarithms in the order of `classes_`, directly from the network:
            none is the logarithm of a probability rounded to 0.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `predict`.

        Warns
        -----
        UserWarning
            As in `predict`.
        """
        return self._run_prediction(lambda clf: clf._predict(X, torch.Tensor.detach), X)

    def score(self, X, y=None, sample_weight=None):
        """Return the accuracy on images and their labels.

        Parameters
        ----------
        X : array-like, tensor, `Dataset` or `skmnist.datasets.LazyImages`
            Raw pixels, as in `predict`.
        y : array-like of shape (n,), default=None
            True labels. None: the labels that X has.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images; None gives all the same weight.

        Returns
        -------
        float
            Fraction of correctly classified images, in [0, 1].

        Warns
        -----
        UserWarning
            As in `predict`.
        """
        if y is None:
            read = partial(open_images_and_labels, X, y)
            X, y = fork_rng(torch.device("cpu"), read) if may_draw(X) else read()
        return super().score(X, as_labels(y), as_weights(sample_weight))

    def get_params(self, deep=True, **kwargs):
        """Get the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include those of the callbacks, and, in callbacks during the
            training, the `iterator_train__batch_size` and `iterator_valid__batch_size`
            in use: skorch's `ProgressBar` cannot compute with `batch_size="auto"`.
        **kwargs
            Passed to skorch's method.

        Returns
        -------
        dict
            Values by name.
        """
        params = super().get_params(deep, **kwargs)
        return {**self._batch_sizes, **params} if deep else params

    def set_params(self, **params):
        """Set parameters, including those of the parts (`module__...`).

        They take effect in the next `fit`; what has been learned stays. `partial_fit`,
        and `fit` with `warm_start`, continue with the existing network, criterion and
        optimizer: they ignore new parameters of the network and its loss, another
        optimizer, `device` and `random_state`.

        Parameters
        ----------
        **params
            Names and values.

        Returns
        -------
        ImageClassifier
            The estimator.

        Raises
        ------
        ValueError
            If a name without `__` is unknown. The others are checked in `fit`.
        """
        # skorch's method would replace the trained network of a fitted estimator
        known = self._get_param_names()
        for name in params:
            if "__" not in name and name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. "
                    f"Valid parameters are: {known}."
                )
        vars(self).update(params)
        if hasattr(self, "optimizer_"):
            self._apply_virtual_params(params)
        return self

    @property
    def loss_curve_(self):
        check_is_fitted(self)
        # an interrupted epoch has batches, but no mean
        return [float(row["train_loss"]) for row in self.history if "train_loss" in row]

    @property
    def n_iter_(self):
        return len(self.loss_curve_)

    @property
    def validation_scores_(self):
        check_is_fitted(self)
        scores = [row["valid_acc"] for row in self.history if "valid_acc" in row]
        return [float(score) for score in scores] or None

    @property
    def best_validation_score_(self):
        check_is_fitted(self)
        epochs = self.history[self._n_earlier_epochs :]
        scores = [float(row["valid_acc"]) for row in epochs if "valid_acc" in row]
        return max(scores, default=None)

    # only the arrays passed to fit and score can be requested
    get_metadata_routing = BaseEstimator.get_metadata_routing

    __repr__ = BaseEstimator.__repr__

    def _get_param_names(self):
        # scikit-learn and skorch start their own attributes with an underscore
        names = [name for name in super()._get_param_names() if name[0] != "_"]
        accepted = inspect.signature(type(self)).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
            names = [name for name in names if name in accepted or "__" in name]
        return sorted(names)

    @property
    def _params_to_validate(self):
        """Names of the parameters that no signature has; skorch checks them."""
        known = {
            name
            for cls in type(self).__mro__
            if issubclass(cls, ImageClassifier)
            for name in inspect.signature(cls.__init__).parameters
        }
        return set(self._get_param_names()) - known

    def _get_params_html(self, deep=False, doc_link=""):
        # never deep: that would list the parameters of skorch's default callbacks
        return super()._get_params_html(deep=False, doc_link=doc_link)

    # skorch's hooks -------------------------------------------------------------------

    def get_default_callbacks(self):
        accuracy = {"scoring": "accuracy", "lower_is_better": False}
        training = {**accuracy, "name": "train_acc", "on_train": True}
        validation = {**accuracy, "scoring": score_validation_data}
        schedule = [] if self.lr_schedule is None else [("lr_schedule", OneCycleLR())]
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
            ("train_acc", TrainingAccuracy(**training)),
            ("valid_loss", PassthroughScoring("valid_loss")),
            ("valid_acc", ValidationScoring(**validation, name="valid_acc")),
            *schedule,
            *self._get_early_stopping(),
            ("print_log", PrintLog()),
        ]

    def initialize(self):
        """Initialize the network, optimizer and callbacks; `fit` calls it.

        Returns
        -------
        ImageClassifier
            The estimator.

        Raises
        ------
        ValueError
            If neither `fit` nor `partial_fit` has seen data yet.
        """
        if not hasattr(self, "image_shape_"):
            raise ValueError(
                f"{type(self).__name__} takes the shape of its network from the data, "
                "so it cannot be initialized before. Call fit or partial_fit."
            )

        def initialize():
            seed_generators(self.device_, self._seed, epoch=0)
            self._initialize_augmentation()
            with torch.inference_mode(False), self._resolved_device():
                super(ImageClassifier, self).initialize()
            self._set_training(False)  # until a batch is trained on
            return self

        return fork_rng(self.device_, initialize)

    def initialize_module(self):
        self.module_ = build_module(self)
        return self

    def initialize_callbacks(self):
        super().initialize_callbacks()
        self.callbacks_ = move_checkpoint_to_end(self.callbacks_)
        known = {name for name, _ in self.get_default_callbacks()}
        known |= get_callback_names(self.callbacks)
        for parameter in self.get_params_for("callbacks"):
            name = parameter.split("__")[0]
            if name not in known:
                raise ValueError(
                    f"Got callbacks__{parameter}, but with these parameters there is "
                    f"no callback {name!r}; there are {sorted(known)}."
                )
        return self

    def load_params(self, *args, **kwargs):
        check_is_fitted(self)
        self._initialize_optimizer_if_missing()
        with self._resolved_device():
            return super().load_params(*args, **kwargs)

    def get_params_for(self, prefix):
        kwargs = super().get_params_for(prefix)
        if prefix == "module" and self.module in (CNN, PairCNN, ResNet):
            kwargs = find_averages(self.augmentation) | kwargs
        return kwargs

    def get_params_for_optimizer(self, prefix, named_parameters):
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        accepted = inspect.signature(self.optimizer).parameters
        if "precision" in accepted:
            bfloat16 = self._resolve_precision() == "bfloat16"
            kwargs.setdefault("precision", "bfloat16" if bfloat16 else "float32")
        if "fused" in accepted and not {"foreach", "differentiable"} & set(kwargs):
            kwargs.setdefault("fused", True)  # one pass over the weights, not several
        return args, kwargs

    def get_dataset(self, X, y=None):
        if is_dataset(X):
            return X
        return LabelledImages(validate_images(self, X), y, self.classes_)

    def get_split_datasets(self, X, y=None, **fit_params):
        if isinstance(X, Split):
            return X
        if self.early_stopping:
            # split by the seed alone: a warm start never trains on validation data
            split = ValidSplit(
                self.validation_fraction,
                stratified=True,
                random_state=self._seed % 2**32,
            )
            return split(self.get_dataset(X, y), y)
        train, valid = super().get_split_datasets(X, y, **fit_params)
        train, valid = index_by_array(train), index_by_array(valid)
        if valid is not None and not is_labelled_images(valid):  # predefined_split
            X_valid, y_valid = dataset_to_arrays(valid)
            check_known_labels(np.unique(y_valid), self.classes_)
            valid = self.get_dataset(X_valid, y_valid)
        return train, valid

    def get_iterator(self, dataset, training=False):
        prefix = "iterator_train" if training else "iterator_valid"
        iterator, kwargs = getattr(self, prefix), self.get_params_for(prefix)
        kwargs["batch_size"] = self._get_batch_size(dataset, training)
        shuffles = inspect.isclass(iterator) and issubclass(
            iterator, (TensorBatchLoader, DataLoader)
        )
        if training and shuffles and not {"sampler", "batch_sampler"} & set(kwargs):
            kwargs.setdefault("shuffle", True)
        if training and self._augmenter.needs_positions:
            dataset = WithPositions(dataset)
        return iterator(dataset, **kwargs)

    def check_data(self, X, y=None):
        pass  # fit has checked the data

    def check_training_readiness(self):
        try:
            super().check_training_readiness()
        except SkorchTrainingImpossibleError as error:
            raise SkorchTrainingImpossibleError(
                f"{error}. Train a new {type(self).__name__}, or copy one before you "
                "trim it: copy.deepcopy(clf)."
            ) from None

    def check_is_fitted(self, attributes=None, *args, **kwargs):
        # skorch calls this before each batch
        if attributes or not self.initialized_:
            super().check_is_fitted(attributes, *args, **kwargs)

    def notify(self, method_name, **kwargs):
        if method_name in BATCH_HOOKS:
            notify_of_batch(self, method_name, **kwargs)
        else:
            super().notify(method_name, **kwargs)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        arguments = iterator, training, prefix, step_fn
        if iterator is None or is_watched(self, step_fn, ImageClassifier):
            super().run_single_epoch(*arguments, **fit_params)
        else:
            run_unwatched_epoch(self, *arguments, **fit_params)

    def on_epoch_begin(self, net, **kwargs):
        super().on_epoch_begin(net, **kwargs)
        seed_generators(self.device_, self._seed, epoch=len(self.history))

    def on_epoch_end(self, net, **kwargs):
        # before callbacks predict with the network or write it to a file
        super().on_epoch_end(net, **kwargs)
        check_convergence(self)

    def train_step(self, batch, **fit_params):
        if self._augmenter.steps:
            batch = self._augment(batch)
        try:
            step = super().train_step(batch, **fit_params)
        except ValueError as error:
            check_batch_normalization(self, batch, error)
            raise
        step["loss"] = step.pop("unsmoothed_loss", step["loss"])
        return step

    def train_step_single(self, batch, **fit_params):
        step = super().train_step_single(batch, **fit_params)
        if get_label_smoothing(self):
            # The history has the loss of the true labels, which compares with that of
            # validation data; optimizers that call this need the one they minimize.
            images, y_true = batch
            with torch.no_grad():
                loss = self.get_loss(step["y_pred"], y_true, X=images)
            step["unsmoothed_loss"] = loss
        return step

    def forward(self, X, *args, **kwargs):
        predictor = get_predictor(self)
        if predictor is not self:
            return predictor.forward(X, *args, **kwargs)
        return super().forward(X, *args, **kwargs)

    def evaluation_step(self, batch, training=False):
        predictor = get_predictor(self)
        if predictor is not self:
            return predictor.evaluation_step(batch, training)
        return super().evaluation_step(batch, training)

    def infer(self, x, **fit_params):
        if isinstance(x, torch.Tensor):
            x = x.to(self.device_)
        else:  # from a loader of the user
            x = to_tensor(x, device=self.device_)
        if not declares(self.module_, "accepts_raw_pixels"):
            # a copy: the network may work in place, and the batch belongs to the user
            x = x.to(torch.get_default_dtype(), copy=True)
        device_type = self.device_.type
        bfloat16 = self.precision_ == "bfloat16" and self.module_.training
        if not bfloat16 and not torch.is_autocast_enabled(device_type):
            return self.module_(x, **fit_params)  # fast path for single images
        # cached copies of the weights would outlive the batch inside another autocast
        with torch.autocast(
            device_type, torch.bfloat16, enabled=bfloat16, cache_enabled=False
        ):
            output = self.module_(x, **fit_params)
        if bfloat16 and isinstance(output, torch.Tensor):
            output = output.to(torch.promote_types(output.dtype, torch.float32))
        return output

    def get_loss(self, y_pred, y_true, X=None, training=False):
        # skorch's method takes the logarithm first; y_pred is one already
        weights = None
        if isinstance(y_true, torch.Tensor):
            loss = self.criterion_(y_pred, to_tensor(y_true, device=self.device_))
        else:
            y_encoded, weights = (to_tensor(p, device=self.device_) for p in y_true)
            loss = compute_weighted_loss(self.criterion_, y_pred, y_encoded, weights)
        smoothing = get_label_smoothing(self) if training else 0.0
        if smoothing:
            reduction = self.criterion_.reduction
            return smooth_loss(loss, y_pred, weights, smoothing, reduction)
        return loss

    def _set_training(self, training=True):
        # skorch calls this before each batch; visiting all layers takes time
        if self.module_.training != training:
            super()._set_training(training)

    # Pickling -------------------------------------------------------------------------

    def __getstate__(self):
        state = {k: v for k, v in vars(self).items() if k not in NOT_PICKLED}
        if "callbacks_" in state:
            state["callbacks_"] = drop_training_control(self.callbacks_)
        if "device_" in state and self.device_.type != "cpu":
            for part in ("module_", "criterion_"):
                if state[part] is not None:  # trimmed for prediction
                    state[part] = copy.deepcopy(state[part]).cpu()
        return state

    def __setstate__(self, state):
        vars(self).update(state)
        if "device_" not in state or self.device_.type == "cpu":
            return
        try:
            device = "auto" if self.device == "auto" else self.device_
            self.device_ = resolve_device(device)
        except ValueError:
            warnings.warn(
                f"The estimator was trained on {self.device_}, which this machine does "
                "not have; it is loaded on the CPU.",
                stacklevel=2,
            )
            self.device_ = torch.device("cpu")
        for part in (self.module_, self.criterion_):
            if part is not None:
                part.to(self.device_)

    # Private --------------------------------------------------------------------------

    def _get_early_stopping(self):
        """Callback that stops the training early, as a list of none or one."""
        constant_lr = self.lr_schedule is None and not has_lr_scheduler(self.callbacks)
        if not self.early_stopping and (self.tol is None or not constant_lr):
            return []
        stopping = EarlyStopping(
            monitor="valid_acc" if self.early_stopping else "train_loss",
            lower_is_better=not self.early_stopping,
            patience=np.inf if self.tol is None else self.n_iter_no_change,
            threshold=self.tol or 0.0,
            load_best=self.early_stopping,
        )
        return [("stopping", stopping)]

    def _get_batch_size(self, dataset, training):
        """Resolve the number of images per batch of a loader."""
        if training:
            size = getattr(self, "iterator_train__batch_size", self.batch_size)
        else:
            default = prediction_batch_size(self.device_)
            size = getattr(self, "iterator_valid__batch_size", default)
        if size == "auto":
            return training_batch_size(len(dataset))
        return len(dataset) if size == -1 else size

    def _validate_training_data(self, *arguments):
        return self._read(
            arguments[0], lambda: validate_training_data(self, *arguments)
        )

    def _read(self, X, function):
        """Call a function that reads X, which may draw: the seed decides what."""
        if not may_draw(X):
            return function()

        def seed_and_read():
            # the seed of the training, which a RandomState will draw later
            seed = draw_seed(copy.deepcopy(self.random_state))
            seed_generators(device, seed, epoch=0)
            return function()

        device = resolve_device(self.device)
        return fork_rng(device, seed_and_read)

    def _get_num_workers(self, prefix):
        """Number of processes that read batches ahead, if a loader of ours is told."""
        if getattr(self, prefix) is not TensorBatchLoader:
            return 0
        return self.get_params_for(prefix).get("num_workers", 0)

    def _start_task(self, name, data, n_epochs):
        """Start the root task of scikit-learn's callbacks."""
        task = self._init_callback_context(task_name=name, max_subtasks=n_epochs)
        return task.call_on_fit_task_begin(**data.fit_info)

    def _prepare(self, data, resume):
        """Build the network, or check that the existing one fits the data."""
        image_shape = tuple(data.images.shape[1:])
        if resume:
            validate_data(self, data.X, skip_check_array=True, reset=False)
            for name, old, new in (
                ("the image shape", self.image_shape_, image_shape),
                ("the classes", self.classes_.tolist(), data.classes.tolist()),
            ):
                if old != new:
                    raise ValueError(
                        f"Got data with {name} {new}, but training continues with a "
                        f"network for {name} {old}. Pass data of the same kind, or "
                        "train a new network: call fit with warm_start=False."
                    )
            self.precision_ = self._resolve_precision()
            self._initialize_augmentation()
            self.initialize_callbacks()
            self._initialize_optimizer_if_missing()
            self._validate_params()  # the names of those with __
            return
        self._seed = draw_seed(self.random_state)
        self.history_ = None  # the old one must survive a failure
        validate_data(self, data.X, skip_check_array=True)  # sets n_features_in_
        self.device_ = resolve_device(self.device)
        self.image_shape_ = image_shape
        self._layout = data.layout, str(data.images.dtype).removeprefix("torch.")
        self.classes_inferred_ = data.classes  # skorch's classes_ returns it
        statistics = self._compute_pixel_statistics(data)
        self.pixel_mean_, self.pixel_std_, self.pixel_range_ = statistics
        self._weights_so_far = (0, 0.0)
        self._n_earlier_epochs = 0
        self.initialize()
        self.precision_ = self._resolve_precision()
        own = {"n_classes", "image_shape"} & self.get_params_for("module").keys()
        if self.module not in (CNN, PairCNN, ResNet) or own:
            images = fork_rng(self.device_, lambda: select(data.images, slice(2)))
            check_log_probabilities(self, images)

    def _compute_pixel_statistics(self, data):
        def compute():
            # items of a data set may draw
            seed_generators(self.device_, self._seed, epoch=0)
            workers = self._get_num_workers("iterator_train")
            return pixel_statistics(data.images, data.weights, workers)

        return fork_rng(self.device_, compute)

    def _run_prediction(self, predict, X):
        # torch's DataLoader and other loaders draw from the global generators, and so
        # may the items of a data set
        draws = self.iterator_valid is not TensorBatchLoader or may_draw(X)
        return run_prediction(self, predict, draws)

    def _predict(self, X, transform):
        """Return the transformed log-probabilities of the classes as an array."""
        if not self.initialized_:
            check_is_fitted(self)
        if is_labelled_images(X):  # in training, which checks its loss
            return self._predict_with_loader(X, transform).numpy()
        if may_draw(X):
            return fork_rng(self.device_, lambda: self._predict_images(X, transform))
        return self._predict_images(X, transform)

    def _predict_images(self, X, transform):
        images = validate_images(self, X)
        if self.iterator_valid is not TensorBatchLoader:
            dataset = LabelledImages(images, None, self.classes_)
            predictions = self._predict_with_loader(dataset, transform)
        else:
            with torch.inference_mode():
                predictions = self._infer_in_batches(images, transform)
        predictions = self._to_array(predictions)
        warn_of_other_scale(self, images)
        return predictions

    def _predict_with_loader(self, dataset, transform):
        return fork_rng(self.device_, lambda: transform(self.forward(dataset).detach()))

    def _infer_in_batches(self, images, transform):
        """Pass images (n, C, H, W) through the network, and transform its output."""
        default = prediction_batch_size(self.device_)
        size = getattr(self, "iterator_valid__batch_size", default)
        # a loader would slow single images
        if isinstance(images, torch.Tensor) and (size == -1 or len(images) <= size):
            return transform(self.evaluation_step((images, None))).cpu()
        keep_freed_memory()
        dataset = LabelledImages(images, None, self.classes_)
        predictions, start = None, 0
        for batch in self.get_iterator(dataset, training=False):
            part = transform(self.evaluation_step(batch))
            if predictions is None:
                # not a list of parts: joining them would take twice the memory
                predictions = part.new_empty(
                    (len(images), *part.shape[1:]), device="cpu"
                )
            predictions[start : start + len(part)] = part
            start += len(part)
        return predictions

    def _to_array(self, predictions):
        """Convert a tensor on the CPU to an array without NaN."""
        if math.isnan(predictions.sum()):
            raise ValueError(
                f"Got X with values so large that the network overflows. It was "
                f"trained on pixels with a mean of {self.pixel_mean_.tolist()} and a "
                f"standard deviation of {self.pixel_std_.tolist()}; pass pixels on "
                "that scale."
            )
        return predictions.numpy()

    def _resolve_precision(self):
        """Resolve the parameter `precision` for this network on this device."""
        precision, module = self.precision, uncompiled(self.module_)
        # hooks such as SkorchDoctor's turn activations into NumPy arrays, which cannot
        # be bfloat16; torch has no public way to find them
        hooked = any(part._forward_hooks for part in module.modules())
        if precision == "auto" and (
            hooked or not declares(module, "supports_bfloat16")
        ):
            precision = "float32"
        precision = resolve_precision(precision, self.device_)
        # a network that was built while float64 was torch's default dtype
        if any(w.dtype == torch.float64 for w in self.module_.parameters()):
            precision = "float64"
        return precision

    def _initialize_augmentation(self):
        self.augmentation_ = build_augmentation(self)
        self._augmenter = Augmenter(self.augmentation_)

    def _augment(self, batch):
        """Transform the images of a training batch, and drop their positions."""
        images, targets = batch
        inputs = {"epoch": len(self.history) - 1}
        if self._augmenter.needs_positions:
            if not (isinstance(targets, (tuple, list)) and len(targets) == 2):
                raise ValueError(
                    "Got a batch without the positions of its images, which the "
                    f"augmentation {self.augmentation!r} needs. Take batches from "
                    "get_iterator(dataset, training=True), or pass another "
                    "augmentation."
                )
            targets, positions = targets
            inputs["positions"] = to_tensor(positions, device=self.device_)
        images = to_tensor(images, device=self.device_)
        return self._augmenter(images, **inputs), targets

    def _initialize_optimizer_if_missing(self):
        """Create the optimizer of an estimator that was unpickled."""
        if self.initialized_ and not hasattr(self, "optimizer_"):
            self.initialize_optimizer()

    @contextmanager
    def _resolved_device(self):
        """Let skorch find the resolved device in `device`, which may be "auto"."""
        requested, self.device = self.device, str(self.device_)  # safetensors needs str
        try:
            yield
        finally:
            self.device = requested
