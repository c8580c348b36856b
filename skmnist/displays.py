"""Pictures of a training and of a trained classifier, in the form of scikit-learn's.

What scikit-learn draws itself (`ConfusionMatrixDisplay`, `RocCurveDisplay` ...) is not
here: it works with `MnistCNNClassifier` as it is.
"""

import copy
import math

import numpy as np
import torch
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skmnist._classifier import MnistCNNClassifier
from skmnist._images import (
    PIXEL_DTYPES,
    as_images,
    as_labels,
    as_rows,
    resolve_image_shape,
)
from skmnist._network import CNN, uncompiled

__all__ = [
    "AccuracyCurveDisplay",
    "DigitsDisplay",
    "FiltersDisplay",
    "LossCurveDisplay",
    "StagesDisplay",
]

KINDS = ("mistakes", "least_confident")

ACCURACY_LABELS = {
    "train_acc": "training batches, as they were trained on",
    "train_acc_epoch_end": "whole training set, at the end of the epoch",
    "valid_acc": "validation set, at the end of the epoch",
}
"""Accuracies that a history may have, and what they are."""


class LossCurveDisplay:
    """Training loss of each batch, with its moving mean.

    Parameters
    ----------
    batch_loss : ndarray of shape (n_batches,)
        Loss of each batch, in the order of training.
    epoch_ends : ndarray of shape (n_epochs,)
        Number of batches up to the end of each epoch.
    valid_loss : ndarray of shape (n_epochs,), default=None
        Mean validation loss after each epoch; NaN after epochs without validation.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from skmnist.displays import LossCurveDisplay
    >>> display = LossCurveDisplay(np.linspace(2, 0, 20), np.array([10, 20]))
    >>> display.plot(ax=Figure().subplots()).ax_.get_xlabel()
    'Batch'
    """

    def __init__(self, batch_loss, epoch_ends, valid_loss=None):
        self.batch_loss = batch_loss
        self.epoch_ends = epoch_ends
        self.valid_loss = valid_loss

    @classmethod
    def from_estimator(cls, estimator, *, window=10, ax=None):
        """Draw the losses in the history of a fitted classifier.

        Parameters
        ----------
        estimator : MnistCNNClassifier
            A fitted one; of a pipeline, its last step.
        window : int, default=10
            Batches that the moving mean looks at, as in the article.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            If `estimator` is no MnistCNNClassifier.
        """
        history = _history(estimator)
        losses = [
            # the last batch of an interrupted epoch may have none
            [batch["train_loss"] for batch in epoch["batches"] if "train_loss" in batch]
            for epoch in history
        ]
        valid_loss = _column(history, "valid_loss")
        return cls(
            np.concatenate([[], *losses]),
            np.cumsum([len(epoch) for epoch in losses]),
            None if np.isnan(valid_loss).all() else valid_loss,
        ).plot(window=window, ax=ax)

    def plot(self, *, window=10, ax=None):
        """Draw the losses.

        Parameters
        ----------
        window : int, default=10
            Batches that the moving mean looks at.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        LossCurveDisplay
            The display itself.
        """
        self.ax_, self.figure_ = _axes(ax)
        batches = np.arange(1, len(self.batch_loss) + 1)
        self.ax_.plot(
            batches, self.batch_loss, color="0.75", linewidth=0.8, label="each batch"
        )
        if len(batches) >= window:
            means = np.convolve(self.batch_loss, np.ones(window) / window, mode="valid")
            label = f"mean of {window} batches"
            self.ax_.plot(batches[window - 1 :], means, color="tab:blue", label=label)
        for end in self.epoch_ends[:-1]:
            self.ax_.axvline(end + 0.5, color="0.85", linewidth=0.8, zorder=0)
        if self.valid_loss is not None:
            ends = self.epoch_ends[: len(self.valid_loss)]
            self.ax_.plot(
                ends, self.valid_loss, "ks--", markersize=4, label="validation set"
            )
        self.ax_.set(
            xlabel="Batch",
            ylabel="Negative log-likelihood",
            title="Training loss (vertical lines: ends of epochs)",
        )
        self.ax_.set_ylim(bottom=0)
        self.ax_.legend()
        return self


class AccuracyCurveDisplay:
    """Accuracy after each epoch; the legend says on which images and when.

    Parameters
    ----------
    accuracies : dict of str to ndarray of shape (n_epochs,)
        What was measured, and its values in [0, 1]; NaN after epochs in which it was
        not measured.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from skmnist.displays import AccuracyCurveDisplay
    >>> display = AccuracyCurveDisplay({"validation set": [0.9, 0.97]})
    >>> display.plot(ax=Figure().subplots()).ax_.get_ylabel()
    'Accuracy (%)'
    """

    def __init__(self, accuracies):
        self.accuracies = accuracies

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the accuracies in the history of a fitted classifier.

        Parameters
        ----------
        estimator : MnistCNNClassifier
            A fitted one; of a pipeline, its last step.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        AccuracyCurveDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            If `estimator` is no MnistCNNClassifier.
        """
        history = [epoch for epoch in _history(estimator) if "train_loss" in epoch]
        curves = {
            label: _column(history, key) for key, label in ACCURACY_LABELS.items()
        }
        return cls(
            {k: curve for k, curve in curves.items() if not np.isnan(curve).all()}
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the accuracies.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        AccuracyCurveDisplay
            The display itself.
        """
        from matplotlib.ticker import MaxNLocator

        self.ax_, self.figure_ = _axes(ax)
        styles = ("o-", "s--", "^:")
        for style, (label, curve) in zip(styles, self.accuracies.items(), strict=False):
            epochs = np.arange(1, len(curve) + 1)
            self.ax_.plot(epochs, 100 * np.asarray(curve), style, label=label)
        self.ax_.set(
            xlabel="Epoch", ylabel="Accuracy (%)", title="Accuracy of each epoch"
        )
        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        self.ax_.grid(alpha=0.3)
        if self.accuracies:
            self.ax_.legend(loc="lower right")
        else:
            _say(self.ax_, "No epoch was finished.")
        return self


class DigitsDisplay:
    """A grid of images with a title for each.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
        Pixels; the darkest and brightest of each image become white and black.
    titles : list of n str
        What stands above each image.
    heading : str, default=""
        What stands above the grid.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What the grid lies on.
    axes_ : ndarray of matplotlib Axes
        One for each image.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist.displays import DigitsDisplay
    >>> digits = load_digits()
    >>> titles = [str(target) for target in digits.target[:10]]
    >>> display = DigitsDisplay(digits.images[:10], titles).plot()
    >>> len(display.axes_)
    10
    """

    def __init__(self, images, titles, heading=""):
        self.images = images
        self.titles = titles
        self.heading = heading

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        kind="mistakes",
        n_images=40,
        n_columns=8,
        ax=None,
    ):
        """Draw the images that a fitted classifier gets wrong, or is least sure of.

        Parameters
        ----------
        estimator : classifier
            A fitted one with `predict_proba`: a MnistCNNClassifier, or a pipeline.
        X : array-like
            Images in any layout of `MnistCNNClassifier.fit`.
        y : array-like of shape (n,), default=None
            True labels. May be left out with `kind="least_confident"`.
        kind : {"mistakes", "least_confident"}, default="mistakes"
            "mistakes": the misclassified images, the most confident mistakes first.
            "least_confident": the images whose predicted label has the lowest
            probability, right or wrong, the lowest first; what to look at, or to label,
            next.
        n_images : int, default=40
            How many to draw at most.
        n_columns : int, default=8
            Images in a row of the grid.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        DigitsDisplay
            Titles are the label in `y`, the predicted label and its probability.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `kind` is neither of the two, or needs `y` and there is none.
        """
        return cls.from_predictions(
            X,
            y,
            estimator.predict_proba(X),
            classes=estimator.classes_,
            kind=kind,
            image_shape=getattr(estimator, "image_shape_", None),
            n_images=n_images,
            n_columns=n_columns,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        X,
        y,
        probabilities,
        *,
        classes=None,
        kind="mistakes",
        image_shape=None,
        n_images=40,
        n_columns=8,
        ax=None,
    ):
        """Draw images by what was predicted for them, in cross-validation for example.

        Parameters
        ----------
        X : array-like
            Images in any layout of `MnistCNNClassifier.fit`.
        y : array-like of shape (n,), or None
            True labels. May be None with `kind="least_confident"`.
        probabilities : array-like of shape (n, n_classes)
            Predicted probability of each class for each image.
        classes : array-like of shape (n_classes,), default=None
            Label of each column of `probabilities`. None: the labels in `y`, sorted, or
            the numbers from 0 without `y`.
        kind : {"mistakes", "least_confident"}, default="mistakes"
            As in `from_estimator`.
        image_shape : tuple of three int, default=None
            Channels, height and width, as in `MnistCNNClassifier`.
        n_images : int, default=40
            How many to draw at most.
        n_columns : int, default=8
            Images in a row of the grid.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        DigitsDisplay
            As `from_estimator` makes it.

        Raises
        ------
        ValueError
            If `kind` is neither of the two, or needs `y` and there is none, or if the
            lengths of the arrays do not agree.
        """
        if kind not in KINDS:
            raise ValueError(f"Got kind={kind!r}, expected one of {list(KINDS)}.")
        if kind == "mistakes" and y is None:
            raise ValueError(
                "Got kind='mistakes' without y. Pass the true labels, or "
                "kind='least_confident', which needs none."
            )
        images = _pictures(X, image_shape)
        probabilities = np.asarray(probabilities)
        y = None if y is None else np.asarray(as_labels(y))
        if classes is None:
            classes = np.arange(probabilities.shape[1]) if y is None else np.unique(y)
        classes = np.asarray(classes)
        n_labels = len(images) if y is None else len(y)
        if probabilities.shape != (len(images), len(classes)) or n_labels != len(
            images
        ):
            raise ValueError(
                f"Got {len(images)} images, {n_labels} labels, {len(classes)} classes "
                f"and probabilities of shape {probabilities.shape}; expected one row "
                "for each image, one column for each class. Pass classes=... if y does "
                "not have them all."
            )
        predicted = classes[probabilities.argmax(axis=1)]
        confidence = probabilities.max(axis=1)
        if kind == "mistakes":
            found = np.flatnonzero(predicted != y)
            found = found[np.argsort(-confidence[found], kind="stable")]
            shown = found[:n_images]
            heading = f"{len(found):,} mistakes in {len(images):,} images"
            if len(shown) < len(found):
                heading += f", the {len(shown):,} most confident"
        else:
            shown = np.argsort(confidence, kind="stable")[:n_images]
            heading = f"The {len(shown):,} least confident of {len(images):,} images"
        heading += "\n(predicted label and its probability)"
        titles = [f"{predicted[i]}  {confidence[i]:.0%}" for i in shown]
        if y is not None:
            heading = heading.replace("(", "(label → ")
            titles = [f"{y[i]} → {t}" for i, t in zip(shown, titles, strict=True)]
        return cls(images[shown], titles, heading).plot(n_columns=n_columns, ax=ax)

    def plot(self, *, n_columns=8, ax=None):
        """Draw the images.

        Parameters
        ----------
        n_columns : int, default=8
            Images in a row of the grid.
        ax : matplotlib Axes, default=None
            Where to draw: the grid takes its place. None makes a new figure.

        Returns
        -------
        DigitsDisplay
            The display itself.
        """
        n_rows = max(1, -(-len(self.images) // n_columns))
        size = (1.3 * n_columns, 1.6 * n_rows + 0.8)
        self.ax_, self.figure_ = _axes(ax, figsize=size)
        place = _make_room(self.ax_)
        place.suptitle(self.heading, fontsize=11)
        grid = place.subplots(n_rows, n_columns, squeeze=False).ravel()
        for ax in grid:
            ax.set_axis_off()
        self.axes_ = grid[: len(self.images)]
        for ax, image, title in zip(self.axes_, self.images, self.titles, strict=True):
            _draw_image(ax, image)
            ax.set_title(title, fontsize=9)
        return self


class FiltersDisplay:
    """What the network looks for, and what it makes of one image.

    Parameters
    ----------
    kernels : ndarray of shape (n_kernels, height, width)
        Weights of the first convolution, mean over the channels of the images.
    image : ndarray of shape (height, width) or (height, width, 3), default=None
        Pixels of the image that the following are about.
    feature_maps : dict of str to ndarray of shape (n_maps, height, width), default=None
        Output of each convolution after max-pooling and ReLU, by name of the layer.
    hidden : ndarray of shape (n_units,), default=None
        Output of the hidden layer after ReLU.
    probabilities : dict of label to float, default=None
        Probability of each class.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What the parts lie on.
    axes_ : dict of str to matplotlib Axes
        The parts: "kernels", and with an image "image", the names in `feature_maps`,
        "hidden" and "probabilities".
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.displays import FiltersDisplay
    >>> kernels = np.random.default_rng(0).normal(size=(20, 5, 5))
    >>> FiltersDisplay(kernels).plot().axes_["kernels"].get_title()
    'conv1: 20 kernels of 5x5 weights'
    """

    def __init__(
        self, kernels, image=None, feature_maps=None, hidden=None, probabilities=None
    ):
        self.kernels = kernels
        self.image = image
        self.feature_maps = feature_maps
        self.hidden = hidden
        self.probabilities = probabilities

    @classmethod
    def from_estimator(cls, estimator, image=None, *, ax=None):
        """Draw the kernels of a fitted classifier, and an image on its way through.

        Parameters
        ----------
        estimator : MnistCNNClassifier
            A fitted one with the article's network; of a pipeline, its last step.
        image : array-like of shape (height, width), (channels, height, width) or \
                (channels*height*width,), default=None
            Raw pixels of one image. None draws the kernels alone.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        FiltersDisplay

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            If `estimator` is no MnistCNNClassifier, or has a network of the user's.
        ValueError
            If `image` does not have the shape of the training images.
        """
        _history(estimator)  # raises where there is nothing to draw
        network = uncompiled(estimator.module_)
        if not isinstance(network, CNN):
            raise TypeError(
                f"Got a classifier with the network {type(network).__name__}, expected "
                "skmnist's own, whose layers are known. Leave out module=..."
            )
        kernels = network.conv1.weight.detach().mean(dim=1).cpu().numpy()
        if image is None:
            return cls(kernels).plot(ax=ax)

        pixels = np.asarray(image)
        if pixels.size != estimator.n_features_in_:
            raise ValueError(
                f"Got image of shape {pixels.shape}, expected one image of "
                f"(channels, height, width) = {estimator.image_shape_}."
            )
        pixels = pixels.reshape(1, -1)
        probabilities = estimator.predict_proba(pixels)[0]
        network = copy.deepcopy(network).eval()
        outputs = {}
        for layer, relu in (("conv1", "relu1"), ("conv2", "relu2"), ("fc1", "relu3")):
            network.get_submodule(relu).register_forward_hook(
                lambda _relu, _inputs, output, layer=layer: outputs.update(
                    {layer: output[0].cpu().numpy()}
                )
            )
        with torch.inference_mode():
            rows = check_array(pixels, dtype=PIXEL_DTYPES, order="C")
            network(as_images(rows, estimator.image_shape_).to(estimator.device_))
        return cls(
            kernels,
            image=_pictures(pixels, estimator.image_shape_)[0],
            feature_maps={name: outputs[name] for name in ("conv1", "conv2")},
            hidden=outputs["fc1"],
            probabilities=dict(
                zip(estimator.classes_.tolist(), probabilities.tolist(), strict=True)
            ),
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the kernels, and what there is of an image.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw: the parts take its place. None makes a new figure.

        Returns
        -------
        FiltersDisplay
            The display itself.
        """
        if self.image is None:
            self.ax_, self.figure_ = _axes(ax, figsize=(7, 1.8))
            self.axes_ = {"kernels": self.ax_}
        else:
            self.ax_, self.figure_ = _axes(ax, figsize=(9, 7.5))
            place = _make_room(self.ax_)
            rows = place.add_gridspec(4, 1, height_ratios=(1.2, 1.2, 0.8, 1.2))
            top = rows[0].subgridspec(1, 2, width_ratios=(1, 4))
            bottom = rows[3].subgridspec(1, 2)
            parts = {"image": top[0], "kernels": top[1]}
            parts |= dict(zip(self.feature_maps, (rows[1], rows[2]), strict=True))
            parts |= {"hidden": bottom[0], "probabilities": bottom[1]}
            self.axes_ = {name: place.add_subplot(cell) for name, cell in parts.items()}
        n, height, width = self.kernels.shape
        limit = abs(self.kernels).max()
        self._draw_tiles(
            "kernels",
            self.kernels,
            f"conv1: {n} kernels of {height}x{width} weights",
            vmin=-limit,
            vmax=limit,
        )
        if self.image is None:
            return self

        ax = self.axes_["image"]
        _draw_image(ax, self.image)
        ax.set_axis_off()
        ax.set_title("image", fontsize=10)
        for name, maps in self.feature_maps.items():
            n, height, width = maps.shape
            title = f"after {name}, max-pooling and ReLU: {n} maps of {height}x{width}"
            self._draw_tiles(name, maps, title, vmin=0)
        self._draw_tiles(
            "hidden",
            self.hidden.reshape(-1, 1, 1),
            f"after fc1 and ReLU: {len(self.hidden)} hidden units",
            n_rows=max(1, round(len(self.hidden) ** 0.5 / 1.5)),
            vmin=0,
        )
        ax = self.axes_["probabilities"]
        labels = [str(label) for label in self.probabilities]
        ax.bar(labels, self.probabilities.values(), color="0.3")
        ax.set(ylim=(0, 1), ylabel="Probability", xlabel="Class")
        ax.set_title("after fc2 and softmax", fontsize=10)
        return self

    def _draw_tiles(self, name, tiles, title, n_rows=2, **limits):
        """Draw small images side by side; dark is high."""
        ax = self.axes_[name]
        drawn = ax.imshow(_mosaic(tiles, n_rows), cmap="gray_r", **limits)
        ax.set_axis_off()
        ax.set_title(title, fontsize=10)
        # as high as the tiles; one beside the axes would be as high as their cell
        bar = ax.inset_axes((1.01, 0, 0.015, 1))
        self.figure_.colorbar(drawn, cax=bar)


class StagesDisplay:
    """What each step of a `DigitPreprocessor` makes of a picture.

    Parameters
    ----------
    stages : dict of str to ndarray
        Images by name, in order: what `DigitPreprocessor.explain` returns.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What the images lie on.
    axes_ : dict of str to matplotlib Axes
        The images, by name.
    figure_ : matplotlib Figure

    See Also
    --------
    skmnist.preprocessing.DigitPreprocessor : Makes the stages.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.displays import StagesDisplay
    >>> from skmnist.preprocessing import DigitPreprocessor
    >>> picture = np.full((100, 80), 250, dtype=np.uint8)
    >>> picture[20:80, 38:42] = 60
    >>> display = StagesDisplay.from_estimator(DigitPreprocessor(), picture)
    >>> list(display.axes_)[-1]
    'result'
    """

    def __init__(self, stages):
        self.stages = stages

    @classmethod
    def from_estimator(cls, estimator, picture, *, ax=None):
        """Draw what a preprocessor makes of one picture.

        Parameters
        ----------
        estimator : DigitPreprocessor
            The preprocessor.
        picture : path, file, PIL.Image or array
            A single picture, as `DigitPreprocessor.explain` takes it.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        StagesDisplay

        Raises
        ------
        FileNotFoundError, ValueError, TypeError
            If the picture cannot be read.
        """
        return cls(estimator.explain(picture)).plot(ax=ax)

    def plot(self, *, ax=None, n_columns=4):
        """Draw the stages in a grid.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw: the images take its place. None makes a new figure.
        n_columns : int, default=4
            Images side by side.

        Returns
        -------
        StagesDisplay
            The display itself.
        """
        n_rows = math.ceil(len(self.stages) / n_columns)
        size = (1.9 * n_columns, 2.1 * n_rows)
        self.ax_, self.figure_ = _axes(ax, figsize=size)
        place = _make_room(self.ax_)
        grid = place.add_gridspec(n_rows, n_columns)
        self.axes_ = {}
        for number, (name, image) in enumerate(self.stages.items()):
            cell = place.add_subplot(grid[divmod(number, n_columns)])
            cell.imshow(image, cmap="gray", vmin=0, vmax=255)
            cell.set(title=name, xticks=[], yticks=[])
            self.axes_[name] = cell
        return self


def _history(estimator):
    """The history of a fitted MnistCNNClassifier; what else came is an error."""
    if not isinstance(estimator, MnistCNNClassifier):
        raise TypeError(
            f"Got a {type(estimator).__name__}, expected a fitted MnistCNNClassifier. "
            "Pass the last step of a pipeline (pipeline[-1]), or best_estimator_ of a "
            "search."
        )
    check_is_fitted(estimator)
    return estimator.history


def _column(history, key):
    """A figure of each epoch, NaN for epochs that do not have it."""
    return np.array([epoch.get(key, np.nan) for epoch in history], dtype=float)


def _pictures(X, image_shape):
    """Images in any layout as what imshow takes, (n, height, width) or (..., 3).

    Where there are other than three channels, the first one.
    """
    rows, layout = as_rows(X)
    rows = check_array(
        rows,
        dtype=PIXEL_DTYPES,
        order="C",
        ensure_all_finite=False,
        ensure_min_samples=0,
    )
    if image_shape is None:
        image_shape = resolve_image_shape(rows.shape[1], layout, None)
    images = as_images(rows, image_shape).numpy()
    return np.moveaxis(images, 1, -1) if images.shape[1] == 3 else images[:, 0]


def _draw_image(ax, image):
    """Draw pixels on any scale: the darkest is white, the brightest black."""
    span = max(np.ptp(image), 1e-12)
    ax.imshow((image - image.min()) / span, cmap="gray_r")


def _mosaic(tiles, n_rows):
    """Tiles (n, height, width) in rows, as one image with NaN in between."""
    n, height, width = tiles.shape
    n_columns = -(-n // n_rows)
    gap = 0 if height == 1 else 1
    mosaic = np.full((n_rows * (height + gap), n_columns * (width + gap)), np.nan)
    for i, tile in enumerate(tiles):
        row, column = divmod(i, n_columns)
        y, x = row * (height + gap), column * (width + gap)
        mosaic[y : y + height, x : x + width] = tile
    return mosaic[: n_rows * (height + gap) - gap, : n_columns * (width + gap) - gap]


def _axes(ax, **options):
    """The axes to draw on, new ones if None, and their figure."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.figure(layout="constrained", **options).subplots()
    return ax, ax.figure


def _make_room(ax):
    """Hide axes and return a subfigure in their place."""
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "Got axes at a place of their own, expected those of a grid, which can be "
            "divided. Make them with figure.subplots() or figure.add_subplot()."
        )
    ax.set_axis_off()
    return ax.figure.add_subfigure(place)


def _say(ax, text):
    """Put a text in the middle of axes that have nothing else to show."""
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes)
