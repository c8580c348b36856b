"""`MnistCNNClassifier`: scikit-learn's contract; skorch's part is in `_net.py`."""

import inspect
import math

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_X_y
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch.callbacks import EpochScoring

from skmnist.augmentation import RandomAffine
from skmnist.classifiers._batch_loader import (
    Batches,
    LabelledImages,
    check_known,
    is_own,
)
from skmnist.classifiers._device import resolve_device
from skmnist.classifiers._image_classifier import Net
from skmnist.classifiers._input_validation import (
    PIXEL_DTYPES,
    as_images,
    as_labels,
    as_rows,
    as_weights,
    pixel_statistics,
    resolve_image_shape,
    with_channels,
)
from skmnist.classifiers._parameter_validation import check_parameters
from skmnist.classifiers._random_state import draw_seed, run_with_private_generators
from skmnist.classifiers._sample_weights import combine_weights, leave_out
from skmnist.networks import CNN


class MnistCNNClassifier(CallbackSupportMixin, Net):
    """The article's convolutional network as a scikit-learn classifier.

    Raw pixels in, labels out: the images may come as rows of pixels, as squares or
    with channels, in any numeric type, and the labels may be integers or strings. The
    scale of the pixels is learned in `fit` and lives inside the network.

    The default recipe, AdamW with a one-cycle learning rate, reaches in one epoch of
    MNIST (`max_epochs=1`) about what the article's reaches in ten. The article's own is
    `MnistCNNClassifier.with_article_recipe()`; `with_accurate_recipe()` trains longer,
    on augmented images.

    Parameters
    ----------
    lr : float, default=0.002
        Learning rate, above 0. With `lr_schedule="onecycle"` it is the peak.
    lr_schedule : {"onecycle"} or None, default="onecycle"
        "onecycle" lets the learning rate rise to `lr` and fall again over the
        `max_epochs` of one `fit`, and clips the norm of the gradient at 1 meanwhile,
        which keeps training stable at the peak
        (`callbacks__lr_schedule__max_gradient_norm`); `partial_fit` then trains at the
        constant `lr / 2`. None keeps `lr` constant.
    max_epochs : int, default=10
        Passes over the training data, at least 1.
    batch_size : int, default=64
        Images in a training batch, at least 1; -1 takes all in one batch.
    image_shape : tuple of three int, default=None
        Channels, height and width of the images, for data that come as rows of
        pixels. None: one channel and a square; a number of pixels that is no square is
        laid out on the next larger one, with a warning. Images that come as
        (n, height, width) or (n, channels, height, width) show it themselves.
    random_state : int, RandomState instance or None, default=None
        Decides the initial weights, the order of the images and everything else that
        is drawn. Pass an int for the same model every time. The global generators of
        NumPy, torch and Python are neither read nor changed; trainings in several
        threads of one process wait for one another.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, multiplied with `sample_weight`: a dict by
        label (1 for labels that it does not name), or "balanced" for weights inversely
        proportional to the (weighted) number of images of each class.
    early_stopping : bool, default=False
        Whether to hold a part of the training data out, stop when the accuracy on it
        no longer improves, and return to the weights that were best on it. Pair it
        with `lr_schedule=None`: a cycle spans all `max_epochs`, and most is learned at
        its end. `partial_fit` never holds anything out.
    validation_fraction : float, default=0.1
        Part of the images to hold out for early stopping, between 0 and 1, with the
        classes in proportion. Only used with `early_stopping=True`.
    n_iter_no_change : int, default=10
        Epochs in a row, at least 1, that may pass without an improvement of `tol`.
        Training stops in the next one.
    tol : float or None, default=1e-4
        Improvement, at least 0, that `n_iter_no_change` asks for: of the accuracy on
        the held-out images (a fraction) with `early_stopping=True`; otherwise of the
        training loss, and only where the learning rate is constant (neither
        `lr_schedule` nor an `LRScheduler` in `callbacks`). None: no such stop.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last `fit`. The labels and the
        image shape must then be the same.
    device : "auto", str or torch.device, default="auto"
        Where to train and predict. "auto" takes the first of cuda, mps and cpu that
        there is; it is resolved in `fit`, see `device_`.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        What the network computes with in training; its weights are float32 throughout.
        bfloat16 is faster where the processor multiplies in it natively and slower
        elsewhere. "auto" uses it where the processor reports that it does, unless
        `module` is a network of your own, which may mix types, or forward hooks watch
        the network, as skorch's `SkorchDoctor` does; see `precision_`. Predictions are
        always made in float32, so that a model gives the same probabilities on all
        processors. If torch's default dtype is float64, everything is float64.
    augmentation : class, callable or None, default=None
        Changes each training batch, a float tensor (n, channels, height, width) of raw
        pixels on the device, into another of the same shape: `skmnist.RandomAffine`,
        a transform of torchvision's v2 or of kornia, or a function. It may work in
        place. It sees no labels, so it must not change what an image shows: MixUp and
        CutMix are refused. The parameters of a class are set by `augmentation__...`.
    verbose : int, default=0
        0 is silent, 1 prints skorch's table with a line for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Pixels of one image over all channels, whatever layout it came in.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X was a data frame with strings for names.
    image_shape_ : tuple of three int
        Channels, height and width of the training images.
    pixel_mean_, pixel_std_ : ndarray of shape (channels,)
        What the network standardises with, on the scale of the training pixels.
    loss_curve_ : list of float
        Mean training loss of each finished epoch, weighted as the images are.
    validation_scores_ : list of float, or None
        Accuracy on the held-out images after each finished epoch, weighted as the
        images are; None where none were held out.
    best_validation_score_ : float, or None
        The highest of them in the last training, which is the accuracy of the weights
        that `early_stopping` restored.
    n_iter_ : int
        Finished epochs, over all calls that went on from one another.
    device_ : torch.device
        Where the network is.
    precision_ : {"float32", "bfloat16", "float64"}
        What it was trained with.
    module_ : torch module
        The network.
    history : skorch.history.History
        For each epoch: `train_loss`, `train_acc` (accuracy of the batches as they were
        trained on, so without further cost), `dur` (seconds), `valid_loss` and
        `valid_acc` with a `train_split`; for each batch: `train_loss`.

    Other Parameters
    ----------------
    module : torch module (class or instance), default=CNN
        The network. A class is built with those of `image_shape`, `n_classes`, `mean`
        and `std` that its constructor names, and with the user's `module__...`. It
        takes raw pixels (n, channels, height, width), float32, and returns
        log-probabilities (n, n_classes). An instance is copied, not trained itself.
        The default takes `module__channels=(20, 50)`, `module__kernel_size=5`,
        `module__hidden_units=500` and `module__dropout=0.0`.
    criterion : torch loss (class), default=torch.nn.NLLLoss
        Loss of log-probabilities and label codes.
    optimizer : torch optimizer (class), default=torch.optim.AdamW
        Its parameters are set by `optimizer__...`. Those that can be fused are, unless
        `optimizer__fused=False`.
    iterator_train, iterator_valid : iterable (class), default=Batches
        What cuts the data into batches for training and for prediction;
        `torch.utils.data.DataLoader` does, more slowly. Training shuffles unless
        `iterator_train__shuffle=False`; predictions are made in batches of 512 unless
        `iterator_valid__batch_size` is set.
    train_split : callable or None, default=None
        What holds a part of the training data out, skorch's `ValidSplit` or the like;
        `history` then has `valid_loss` and `valid_acc`. None trains on all data,
        unless `early_stopping` holds some out.
    callbacks : list of callbacks or None, default=None
        Callbacks of skorch, in addition to those that keep the history; they see
        labels, not codes. An `LRScheduler` among them needs `lr_schedule=None`.
    compile : bool, default=False
        Whether to compile the network with `torch.compile`.
    use_caching : bool or "auto", default="auto"
        Whether scoring callbacks keep predictions; "auto" lets each decide.
    torch_load_kwargs : dict or None, default=None
        Passed to `torch.load` by `load_params`.
    **kwargs
        Parameters of the parts, as in skorch: `module__...`, `optimizer__...`,
        `criterion__...`, `iterator_train__...`, `iterator_valid__...`,
        `augmentation__...`, `callbacks__...`, `compile__...`.

    See Also
    --------
    skorch.NeuralNetClassifier : The parent; all of it stays usable.
    sklearn.neural_network.MLPClassifier : A network without convolutions.

    Notes
    -----
    On the CPU, and with the same number of threads, the same `random_state` gives a
    model with the same bits. Ctrl-C in `fit` ends the training with a warning and keeps
    what has been learned.

    Several threads may ask one estimator for predictions. While one thread trains it,
    predictions in the others come from the estimator as it was before, and do not
    affect the training; before the first `fit` has ended they raise `NotFittedError`.
    While a network trains, other threads should not draw from the global generators,
    and a callback must not wait for a training, or for a prediction through a
    `DataLoader`, in another thread: that would wait for this one.

    scikit-learn's callbacks (`set_callbacks`) see a task "fit" with a task "epoch" for
    each epoch; a callback that returns True at the end of an epoch ends the training.
    They are apart from skorch's, which are the parameter `callbacks`.

    A pickle, and a copy, holds the network and the history, but not the training data
    and not the state of the optimizer: training that goes on from it begins with the
    momentum at 0. `save_params(f_optimizer=...)` keeps that state. `skmnist.save`
    writes a file that is no pickle.

    References
    ----------
    .. [1] "MNIST with PyTorch and scikit-learn": the network and the article's recipe.
    .. [2] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied
       to Document Recognition", Proceedings of the IEEE 86 (11), 1998.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from skmnist import MnistCNNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> clf = MnistCNNClassifier(max_epochs=2, random_state=0).fit(X_train, y_train)
    >>> bool(clf.score(X_test, y_test) > 0.9)
    True
    """

    def __init__(
        self,
        *,
        lr=0.002,
        lr_schedule="onecycle",
        max_epochs=10,
        batch_size=64,
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
        module=CNN,
        criterion=torch.nn.NLLLoss,
        optimizer=torch.optim.AdamW,
        iterator_train=Batches,
        iterator_valid=Batches,
        train_split=None,
        callbacks=None,
        compile=False,
        use_caching="auto",
        torch_load_kwargs=None,
        **kwargs,
    ):
        parameters = dict(locals())
        del parameters["self"], parameters["kwargs"]
        # past skorch's __setattr__, which would refuse a module instance here
        vars(self).update(parameters | kwargs)

    @classmethod
    def with_article_recipe(cls, **kwargs):
        """Make a classifier that trains as the article does.

        Stochastic gradient descent with a constant learning rate of 0.01, momentum 0.5
        (not Nesterov's), batches of 64, ten epochs, no early end. After each epoch the
        accuracy on the whole training set is measured, as in the article, and kept in
        the history as `train_acc_epoch_end`; this costs one more pass of prediction.

        Parameters
        ----------
        **kwargs
            Further parameters; they replace those of the recipe.

        Returns
        -------
        MnistCNNClassifier

        Examples
        --------
        >>> from skmnist import MnistCNNClassifier
        >>> clf = MnistCNNClassifier.with_article_recipe(max_epochs=3)
        >>> clf.lr, clf.lr_schedule, clf.max_epochs
        (0.01, None, 3)
        """
        accuracy = EpochScoring(
            "accuracy",
            name="train_acc_epoch_end",
            lower_is_better=False,
            on_train=True,
            use_caching=False,
        )
        recipe = {
            "lr": 0.01,
            "lr_schedule": None,
            "max_epochs": 10,
            "batch_size": 64,
            "precision": "float32",
            "callbacks": [("train_acc_epoch_end", accuracy)],
        }
        if not kwargs.get("early_stopping", False):
            recipe["tol"] = None
        if "optimizer" not in kwargs:
            recipe |= {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.5}
        return cls(**{**recipe, **kwargs})

    @classmethod
    def with_accurate_recipe(cls, **kwargs):
        """Make a classifier that takes its time, and makes fewer mistakes.

        The default recipe over fifteen epochs, in batches of 128, on images that are
        turned, moved and scaled: `augmentation=RandomAffine`, up to 15 degrees, 2
        pixels and 15 %.

        Parameters
        ----------
        **kwargs
            Further parameters; they replace those of the recipe.

        Returns
        -------
        MnistCNNClassifier

        Examples
        --------
        >>> from skmnist import MnistCNNClassifier
        >>> clf = MnistCNNClassifier.with_accurate_recipe()
        >>> clf.max_epochs, clf.augmentation
        (15, RandomAffine(rotation=15, shift=2, scale=0.15))
        """
        recipe = {
            "max_epochs": 15,
            "batch_size": 128,
            "augmentation": RandomAffine(rotation=15, shift=2, scale=0.15),
        }
        return cls(**{**recipe, **kwargs})

    @with_callbacks
    def fit(self, X, y, sample_weight=None):
        """Train the network on images and their labels.

        Parameters
        ----------
        X : array-like or CPU tensor
            Raw pixels of shape (n, channels*height*width), (n, height, width) or
            (n, channels, height, width), of any numeric type. uint8 stays uint8 in
            memory, everything else becomes float32.
        y : array-like of shape (n,)
            Labels of at least two classes, of any type that scikit-learn takes.
        sample_weight : array-like of shape (n,), default=None
            How much each image counts in the loss and in the pixel statistics, at
            least 0; only the ratios matter. An image of weight 0 is left out, but its
            label stays among `classes_`. None counts all the same.

        Returns
        -------
        MnistCNNClassifier
            The estimator itself.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data cannot be used; the message says what came, what
            was expected and what to do. If the training diverges: the loss, or a
            weight, is no longer finite. The estimator is then as it was before.

        Warns
        -----
        UserWarning
            If Ctrl-C ended the training; the estimator stays usable. If rows of pixels
            are laid out on a square that is larger than they are.
        """
        return self._fit(X, y, sample_weight)

    @with_callbacks
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train the network on one chunk of a stream: one pass over it.

        Goes on from whatever was trained before, by `fit` or by `partial_fit`. With
        `lr_schedule="onecycle"` the learning rate is the constant `lr / 2`, because a
        cycle needs a known length. Nothing is held out for validation. The pixels are
        standardised as those of the first chunk ask for.

        Parameters
        ----------
        X : array-like or CPU tensor
            Raw pixels, as in `fit`.
        y : array-like of shape (n,)
            Labels; each must be among the classes.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come. Needed in the first call; may be left out,
            or must be the same, after that.
        sample_weight : array-like of shape (n,), default=None
            As in `fit`, and on the same scale in all calls: an image counts in
            proportion to the mean weight of all images so far.

        Returns
        -------
        MnistCNNClassifier
            The estimator itself.

        Raises
        ------
        ValueError, TypeError
            As in `fit`; if `classes` is missing, changed or not complete; and with
            `class_weight="balanced"`, which needs to see all data at once.
        """
        self.check_training_readiness()
        check_parameters(self)
        if isinstance(self.class_weight, str):
            raise ValueError(
                "Got class_weight='balanced' in partial_fit, which does not know how "
                "many images of each class will come. Pass a dict of weights by label; "
                "sklearn.utils.class_weight.compute_class_weight makes one."
            )
        X, layout, images, y, seen = self._check_X_y(X, y)
        if classes is not None:
            classes = LabelEncoder().fit(as_labels(classes)).classes_
        elif self.initialized_:
            classes = self.classes_
        else:
            raise ValueError(
                "Got no classes in the first call of partial_fit, expected all labels "
                "that will ever come. Pass classes=..."
            )
        check_known(seen, classes)
        sample_weight = as_weights(sample_weight)
        weights = combine_weights(sample_weight, self.class_weight, y, classes)
        counted = leave_out(images, y, weights)
        task = self._begin_task("partial_fit", X, y, sample_weight, epochs=1)

        def train(goes_on):
            self._prepare(X, layout, *counted, classes, goes_on)
            self._train(*counted, task, incremental=True)

        self._run_training(train, may_go_on=True)
        return self

    def predict(self, X):
        """Predict the label of each image.

        Parameters
        ----------
        X : array-like or CPU tensor
            Raw pixels on the scale of the training images, in any layout of `fit`.

        Returns
        -------
        ndarray of shape (n,)
            Labels out of `classes_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X is no image data of the shape that was trained on, or so far off the
            scale of the training pixels that the network overflows.
        """

        def predict(clf):
            codes = clf.predict_proba(X).argmax(axis=1)
            return clf.classes_[codes]

        return self._ask(predict, X)

    def predict_proba(self, X):
        """Predict the probability of each class for each image.

        Parameters
        ----------
        X : array-like or CPU tensor
            As in `predict`.

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            Probabilities in the order of `classes_`; rows sum to 1. None is 0, so that
            each has a logarithm: those too small for float32 become its smallest normal
            number, 1.2e-38.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `predict`.
        """
        probabilities = np.exp(self.predict_log_proba(X))
        return np.maximum(probabilities, np.finfo(probabilities.dtype).tiny)

    def predict_log_proba(self, X):
        """Predict the logarithm of the probability of each class for each image.

        Parameters
        ----------
        X : array-like or CPU tensor
            As in `predict`.

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            Natural logarithms, in the order of `classes_`. They come from the network
            itself, so none is the logarithm of a probability rounded to 0.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `predict`.
        """
        return self._ask(lambda clf: clf._predict_log_proba(X), X)

    def score(self, X, y, sample_weight=None):
        """Return the accuracy on images and their labels.

        Parameters
        ----------
        X : array-like or CPU tensor
            As in `predict`.
        y : array-like of shape (n,)
            True labels.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images; None weighs all the same.

        Returns
        -------
        float
            Fraction of images whose label is predicted, in [0, 1].
        """
        return super().score(X, as_labels(y), as_weights(sample_weight))

    def set_params(self, **params):
        """Set parameters, those of the parts (`module__...`) as well.

        They take effect in the next `fit`; what has been learned stays. In a
        `partial_fit`, or a `fit` that goes on with `warm_start`, those of the network
        and its loss, the choice of the optimizer, `device` and `random_state` do not:
        both go on with what is there.

        Parameters
        ----------
        **params
            Names and values.

        Returns
        -------
        MnistCNNClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If a name without `__` is not known. The others are checked in `fit`.
        """
        # not skorch's: it would replace the trained network of a fitted estimator
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
        # an epoch that was interrupted has batches, but no mean
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

    # the arrays given to fit and score are all that can be asked for
    get_metadata_routing = BaseEstimator.get_metadata_routing

    # What the parameters are ----------------------------------------------------------

    @property
    def _params_to_validate(self):
        return {
            name
            for name in vars(self).keys()
            - self._get_signature_names(type(self).__mro__)
            if not (name.endswith("_") or name[0] == "_")
        }

    def _get_param_names(self):
        """The constructor's parameters, and what the user set beyond them."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        is_open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        classes = type(self).__mro__ if is_open else [type(self)]
        return sorted(self._get_signature_names(classes) | self._params_to_validate)

    @staticmethod
    def _get_signature_names(classes):
        """Parameters of the constructors of this class and of those derived from it."""
        return {
            name
            for cls in classes
            if issubclass(cls, MnistCNNClassifier)
            for name in BaseEstimator._get_param_names.__func__(cls)
        }

    __repr__ = BaseEstimator.__repr__

    def _get_params_html(self, deep=False, doc_link=""):
        # never deep: that would list what skorch's own callbacks are made of
        return super()._get_params_html(deep=False, doc_link=doc_link)

    # Private --------------------------------------------------------------------------

    def _fit(self, X, y, sample_weight, n_finished=0):
        """Do what `fit` says, or the rest of it after `n_finished` epochs.

        For the latter the weights, the history and the state of the optimizer are as
        they were after these epochs, and X, y and sample_weight what they were.
        """
        self.check_training_readiness()
        check_parameters(self)
        X, layout, images, y, classes = self._check_X_y(X, y)
        sample_weight = as_weights(sample_weight)
        weights = combine_weights(sample_weight, self.class_weight, y, classes)
        counted = leave_out(images, y, weights)
        self._check_class_counts(counted[1], weighted=weights is not None)
        n_epochs = self.max_epochs - n_finished
        task = self._begin_task("fit", X, y, sample_weight, n_epochs)

        def train(goes_on):
            self._prepare(X, layout, *counted, classes, goes_on)
            self._train(*counted, task, n_finished=n_finished)

        self._run_training(train, may_go_on=self.warm_start or n_finished)
        return self

    def _check_X_y(self, X, y):
        """Check training data without changing the estimator.

        Returns
        -------
        X : array-like of shape (n, n_features)
            As it came, but flat; still a data frame if it was one.
        layout : tuple (n_features,), (H, W) or (C, H, W)
            Shape of each image as it came.
        images : tensor of shape (n, C, H, W)
        y : ndarray of shape (n,)
        classes : ndarray of shape (n_classes,)
            The labels in y, sorted.
        """
        X, layout = as_rows(X)
        rows, y = check_X_y(
            X, as_labels(y), dtype=PIXEL_DTYPES, order="C", estimator=self
        )
        classes = LabelEncoder().fit(y).classes_  # says what is wrong with mixed types
        check_classification_targets(y)
        image_shape = resolve_image_shape(rows.shape[1], layout, self.image_shape)
        layout = rows.shape[1:] if layout is None else layout
        return X, layout, as_images(rows, image_shape), y, classes

    def _check_class_counts(self, y, weighted):
        """Raise ValueError if there are too few classes, or too few images of one."""
        classes, counts = np.unique(y, return_counts=True)
        of_weight = " with a weight above 0" if weighted else ""
        if len(classes) < 2:
            raise ValueError(
                f"Got y with 1 class{of_weight}, {classes.tolist()}, expected at least "
                "2. Pass images of more than one class."
            )
        if not self.early_stopping:
            return
        if counts.min() < 2:
            raise ValueError(
                f"Got only 1 image{of_weight} of the labels "
                f"{classes[counts < 2].tolist()}, but early_stopping=True needs one to "
                "train on and one to hold out. Pass more images of these labels, or "
                "early_stopping=False."
            )
        n_valid = math.ceil(self.validation_fraction * len(y))
        if min(n_valid, len(y) - n_valid) < len(classes):
            raise ValueError(
                f"Got validation_fraction={self.validation_fraction}, which splits "
                f"{len(y)} images{of_weight} into {len(y) - n_valid} to train on and "
                f"{n_valid} to hold out, but each part needs room for one of each of "
                f"the {len(classes)} classes. Pass another validation_fraction, more "
                "images, or early_stopping=False."
            )

    def _predict_log_proba(self, X):
        if not self.initialized_:
            check_is_fitted(self)
        images = X if is_own(X) else self._check_X(X)
        if images is not X and self.iterator_valid is Batches:
            log_probabilities = self._infer_in_batches(images).numpy()
        else:  # torch's DataLoader draws from the global generator whenever it is asked
            if images is not X:
                images = LabelledImages(images, None, self.classes_)
            log_probabilities = run_with_private_generators(
                self.device_, lambda: self.forward(images).detach().numpy()
            )
        # fit looks at its loss instead
        if images is not X and np.isnan(log_probabilities.sum()):
            raise ValueError(
                f"Got X with values so large that the network overflows. It was "
                f"trained on pixels with a mean of {self.pixel_mean_.tolist()} and a "
                f"standard deviation of {self.pixel_std_.tolist()}; pass pixels on "
                "that scale."
            )
        return log_probabilities

    def _check_X(self, X):
        """Check images to predict and return them as a tensor (n, C, H, W)."""
        X, layout = as_rows(X)
        if self._is_surely_valid(X):
            rows = X
        else:
            rows = validate_data(self, X, reset=False, dtype=PIXEL_DTYPES, order="C")
        if layout is not None and with_channels(layout) != self.image_shape_:
            raise ValueError(
                "Got X with images of (channels, height, width) = "
                f"{with_channels(layout)}, but "
                f"{type(self).__name__} was trained on {self.image_shape_}."
            )
        return as_images(rows, self.image_shape_)

    def _is_surely_valid(self, X):
        """Whether X is what validation would return; a single image feels its cost."""
        return (
            type(X) is np.ndarray
            and X.dtype == np.uint8
            and X.ndim == 2
            and len(X) > 0
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        )

    def _begin_task(self, name, X, y, sample_weight, epochs):
        """Open the root task of scikit-learn's callbacks.

        Returns
        -------
        task : CallbackContext
        data : dict
            What its hooks, and those of its subtasks, are told of the data.
        """
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        data = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        task = self._init_callback_context(task_name=name, max_subtasks=int(epochs))
        return task.call_on_fit_task_begin(**data), data

    def _prepare(self, X, layout, images, y, weights, classes, goes_on):
        """Build the network, or make sure that the one there is fits the data."""
        image_shape = tuple(images.shape[1:])
        if goes_on:
            validate_data(self, X, skip_check_array=True, reset=False)
            for name, old, new in (
                ("the image shape", self.image_shape_, image_shape),
                ("the classes", self.classes_.tolist(), classes.tolist()),
            ):
                if old != new:
                    raise ValueError(
                        f"Got data with {name} {new}, but training goes on from a "
                        f"network for {name} {old}. Pass data of the same kind, or "
                        "begin anew: call fit with warm_start=False."
                    )
            self.precision_ = self._resolve_precision()
            self.initialize_augmentation()  # these may have been set anew
            self.initialize_callbacks()
            self._make_optimizer_anew_if_missing()
            self._validate_params()  # skorch's: the names of those with __
            return
        self._seed = draw_seed(self.random_state)
        self.history_ = None  # the old one stays as it is, should this fail
        validate_data(self, X, skip_check_array=True)  # sets n_features_in_
        self.device_ = resolve_device(self.device)
        self.image_shape_ = image_shape
        self._layout = layout, str(images.numpy().dtype)
        self.classes_inferred_ = classes  # what skorch's classes_ returns
        self.pixel_mean_, self.pixel_std_ = pixel_statistics(images, weights)
        self._weights_so_far = (0, 0.0)
        self.initialize()
        self.precision_ = self._resolve_precision()
        if self.module is not CNN:
            self._check_output(images[:2])
