"""`MnistCNNClassifier`: the article's network, its defaults and its recipes."""

import torch
from skorch.callbacks import EpochScoring

from skmnist.augmentation import AlternatingFlip, RandomAffine, RandomShift
from skmnist.classifiers._batch_loader import TensorBatchLoader
from skmnist.classifiers._image_classifier import ImageClassifier
from skmnist.networks import CNN, PairCNN
from skmnist.optimizers import MuonAdamW


class MnistCNNClassifier(ImageClassifier):
    """Convolutional network for MNIST-like images, as a scikit-learn classifier.

    X holds raw pixels as rows, as (n, height, width) or as (n, channels, height,
    width), of any numeric type; y holds labels of any type. `fit` computes the mean and
    standard deviation of the pixels, and the network standardizes its input with them.

    The network and the original recipe are those of the article "MNIST with PyTorch and
    scikit-learn" [1]_. The default recipe, `skmnist.optimizers.MuonAdamW` with a
    one-cycle learning rate and label smoothing, exceeds the accuracy of the article's
    ten epochs in a single one (`max_epochs=1`).
    `MnistCNNClassifier.with_article_recipe()` trains as the article does.
    `with_digits_recipe()` trains longer, on augmented digits, and
    `with_photos_recipe()` on images that may be mirrored, such as those of
    Fashion-MNIST.

    Parameters
    ----------
    lr : float, default=0.004
        Learning rate, above 0. With `lr_schedule="onecycle"`, the peak.
    lr_schedule : {"onecycle"} or None, default="onecycle"
        "onecycle" raises the learning rate to `lr` and lowers it again over the
        `max_epochs` of one `fit`, and clips the gradient norm to 1
        (`callbacks__lr_schedule__max_gradient_norm`); `partial_fit` trains with the
        constant `lr / 2`. None keeps `lr` constant.
    max_epochs : int, default=10
        Number of passes over the training data, at least 1.
    batch_size : int or "auto", default="auto"
        Images per training batch, at least 1; -1 for a single batch of all images.
        "auto" is 256, or fewer for less than 16,384 images: a 64th of them, but at
        least 32. A single image that remains joins the batch before it.
    label_smoothing : float, default=0.1
        Fraction of each label, in [0, 1), that the loss spreads over all classes [3]_
        while the learning rate is at its peak. It falls to 0 with the learning rate, so
        that probabilities stay calibrated. Only used in a cycle of the learning rate,
        with a criterion that is an `NLLLoss`.
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
    module : torch.nn.Module, class or instance, default=CNN
        The network, see `ImageClassifier`. The default, `skmnist.networks.CNN`, takes
        `module__channels=(20, 50)`, `module__kernel_size=5`,
        `module__hidden_units=500`, `module__dropout=0.0`, and `module__average_flips`
        and `module__average_shifts`, whether predictions average over mirrored and
        shifted copies of an image: by default, if the augmentation contains a flip, or
        `RandomShift`.
    criterion : torch loss (class), default=torch.nn.NLLLoss
        Loss of log-probabilities and encoded labels.
    optimizer : torch optimizer (class), default=skmnist.optimizers.MuonAdamW
        Set its parameters by `optimizer__...`, and with another optimizer, also `lr`:
        0.002 is a good start for `torch.optim.AdamW`. It is fused if it can be, unless
        `optimizer__fused=False`.
    iterator_train, iterator_valid : iterable (class), default=TensorBatchLoader
        Loaders of batches for training and for prediction;
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
    skmnist.classifiers.ImageClassifier : The parent class, for any network; its Notes
        describe reproducibility, threads, callbacks and pickles.
    sklearn.neural_network.MLPClassifier : A network without convolutions.

    References
    ----------
    .. [1] "MNIST with PyTorch and scikit-learn": the network and the article's recipe.
    .. [2] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied
       to Document Recognition", Proceedings of the IEEE 86 (11), 1998.
    .. [3] C. Szegedy et al., "Rethinking the Inception Architecture for Computer
       Vision", 2016, arXiv:1512.00567.

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
        lr=0.004,
        lr_schedule="onecycle",
        max_epochs=10,
        batch_size="auto",
        label_smoothing=0.1,
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
        optimizer=MuonAdamW,
        iterator_train=TensorBatchLoader,
        iterator_valid=TensorBatchLoader,
        train_split=None,
        callbacks=None,
        compile=False,
        use_caching="auto",
        torch_load_kwargs=None,
        **kwargs,
    ):
        super().__init__(
            module,
            lr=lr,
            lr_schedule=lr_schedule,
            max_epochs=max_epochs,
            batch_size=batch_size,
            label_smoothing=label_smoothing,
            image_shape=image_shape,
            random_state=random_state,
            class_weight=class_weight,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            warm_start=warm_start,
            device=device,
            precision=precision,
            augmentation=augmentation,
            verbose=verbose,
            criterion=criterion,
            optimizer=optimizer,
            iterator_train=iterator_train,
            iterator_valid=iterator_valid,
            train_split=train_split,
            callbacks=callbacks,
            compile=compile,
            use_caching=use_caching,
            torch_load_kwargs=torch_load_kwargs,
            **kwargs,
        )

    @classmethod
    def with_article_recipe(cls, **kwargs):
        """Create a classifier that trains as the article does.

        The recipe is stochastic gradient descent with a constant learning rate of 0.01
        and momentum 0.5 (not Nesterov's), batches of 64 and ten epochs, without early
        stopping. After each epoch, the accuracy on the whole training set is recorded
        in the history as `train_acc_epoch_end`, as in the article; this costs one pass
        of prediction.

        Parameters
        ----------
        **kwargs
            Other parameters; they override those of the recipe.

        Returns
        -------
        clf : MnistCNNClassifier

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
            "label_smoothing": 0.0,
            "precision": "float32",
            "callbacks": [("train_acc_epoch_end", accuracy)],
        }
        if not kwargs.get("early_stopping", False):
            recipe["tol"] = None
        if "optimizer" not in kwargs:
            recipe |= {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.5}
        return cls(**{**recipe, **kwargs})

    @classmethod
    def with_digits_recipe(cls, **kwargs):
        """Create a classifier that trains longer and reads digits more accurately.

        For digits and letters, which stay the same when they are tilted or slanted
        slightly, but not when they are mirrored. The recipe is the default one with 24
        epochs, a peak learning rate of 0.0012, dropout of 0.3 (if the network is `CNN`)
        and `augmentation=RandomAffine` with rotations up to 15 degrees, shifts up to 2
        pixels, scales up to 15 % and shears up to 20 degrees.

        Parameters
        ----------
        **kwargs
            Other parameters; they override those of the recipe.

        Returns
        -------
        clf : MnistCNNClassifier

        Examples
        --------
        >>> from skmnist import MnistCNNClassifier
        >>> clf = MnistCNNClassifier.with_digits_recipe()
        >>> clf.max_epochs, clf.lr, clf.augmentation
        (24, 0.0012, RandomAffine(rotation=15, shift=2, scale=0.15, shear=20))
        """
        recipe = {
            "lr": 0.0012,
            "max_epochs": 24,
            "augmentation": RandomAffine(rotation=15, shift=2, scale=0.15, shear=20),
        }
        if kwargs.get("module", CNN) is CNN:
            recipe["module__dropout"] = 0.3
        return cls(**{**recipe, **kwargs})

    @classmethod
    def with_photos_recipe(cls, **kwargs):
        """Create a classifier that trains on mirrored and shifted images.

        For photographs and other images that stay the same when they are mirrored, such
        as those of Fashion-MNIST and CIFAR-10. The recipe is the default one with 32
        epochs, a peak learning rate of 0.002, dropout of 0.3 (if the network is `CNN`)
        and the augmentation `[AlternatingFlip(), RandomShift(max_shift=1)]`, so that
        predictions average over mirrored and shifted copies of an image, too.
        `ResNetClassifier` has a network with more layers for them.

        Parameters
        ----------
        **kwargs
            Other parameters; they override those of the recipe.

        Returns
        -------
        clf : MnistCNNClassifier

        Examples
        --------
        >>> from skmnist import MnistCNNClassifier
        >>> clf = MnistCNNClassifier.with_photos_recipe(max_epochs=8)
        >>> clf.max_epochs, clf.augmentation
        (8, [AlternatingFlip(), RandomShift(max_shift=1)])
        """
        recipe = {
            "lr": 0.002,
            "max_epochs": 32,
            "augmentation": [AlternatingFlip(), RandomShift(max_shift=1)],
        }
        if kwargs.get("module", CNN) is CNN:
            recipe["module__dropout"] = 0.3
        return cls(**{**recipe, **kwargs})

    @classmethod
    def with_pairs_recipe(cls, **kwargs):
        """Create a classifier of two digits that touch.

        For the images of `skmnist.datasets.make_touching_digits`, whose 110 classes are
        the pairs from "00" to "99" and the single digits; :func:`skmnist.read` takes it
        as `pair_classifier`. The recipe is the default one with 3 epochs, the network
        `skmnist.networks.PairCNN` with convolutions of 32 and 64 channels and 800
        hidden units, whose predictions average over shifted copies of an image, and the
        augmentation `RandomAffine(rotation=8, shift=1, scale=0.1, shear=8)`.

        Parameters
        ----------
        **kwargs
            Other parameters; they override those of the recipe.

        Returns
        -------
        clf : MnistCNNClassifier

        Examples
        --------
        >>> from skmnist import MnistCNNClassifier
        >>> clf = MnistCNNClassifier.with_pairs_recipe(random_state=0)
        >>> clf.max_epochs, clf.get_params()["module__channels"]
        (3, (32, 64))
        """
        recipe = {
            "max_epochs": 3,
            "augmentation": RandomAffine(rotation=8, shift=1, scale=0.1, shear=8),
            "module": PairCNN,
        }
        if kwargs.get("module", PairCNN) in (CNN, PairCNN):
            recipe |= {
                "module__channels": (32, 64),
                "module__hidden_units": 800,
                "module__average_shifts": True,
            }
        return cls(**{**recipe, **kwargs})
