"""Kernels and feature maps of a network."""

import copy

import numpy as np
import torch
from sklearn.utils import check_array

from skmnist.classifiers._input_validation import PIXEL_DTYPES, as_images
from skmnist.displays._axes import draw_image, get_axes, replace_by_subfigure
from skmnist.displays._history import check_image_classifier
from skmnist.displays._images import to_displayable
from skmnist.networks import CNN, ResNet, uncompiled

OPERATIONS = {
    **dict.fromkeys(("conv1", "conv2"), ", max-pooling and ReLU"),
    "whiten": " and GELU",
}
"""What follows a layer before its output is shown."""


class FiltersDisplay:
    """Kernels of the first convolution, and the outputs of all layers for one image.

    Parameters
    ----------
    kernels : ndarray of shape (n_kernels, height, width) or \
            (n_kernels, height, width, 3)
        Weights of the first convolution: for each colour, or averaged over the input
        channels.
    image : ndarray of shape (height, width) or (height, width, 3), default=None
        Pixels of an image. If None, plot only the kernels.
    feature_maps : dict of str to ndarray of shape (n_maps, height, width), default=None
        Outputs of the layers for the image, by the names of the layers: of `CNN`, the
        convolutions after max-pooling and ReLU; of `ResNet`, the first layer after
        GELU, and the groups.
    hidden : ndarray of shape (n_units,), default=None
        Output of the hidden layer of `CNN` for the image, after ReLU.
    probabilities : dict of label to float, default=None
        Predicted probability of each class.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the kernels; with an image, hidden axes at the position of all parts.
    axes_ : dict of str to matplotlib Axes
        Axes of the parts: "kernels", and with an image "image", the names in
        `feature_maps`, "hidden" and "probabilities".
    figure_ : matplotlib Figure
        Figure of the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.displays import FiltersDisplay
    >>> kernels = np.random.default_rng(0).normal(size=(20, 5, 5))
    >>> FiltersDisplay(kernels).plot().axes_["kernels"].get_title()
    'first layer: 20 kernels of 5x5 weights'
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
        """Plot the kernels of a fitted classifier, and its outputs for an image.

        Parameters
        ----------
        estimator : ImageClassifier
            A fitted classifier with the network `skmnist.networks.CNN` or
            `skmnist.networks.ResNet`: `MnistCNNClassifier` or `ResNetClassifier`. For a
            pipeline, pass its last step.
        image : array-like of shape (height, width), (channels, height, width) or \
                (channels*height*width,), default=None
            Raw pixels of one image. If None, plot only the kernels.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, create a new figure.

        Returns
        -------
        FiltersDisplay
            The plotted display.

        Raises
        ------
        NotFittedError
            If `estimator` is not fitted.
        TypeError
            If `estimator` is not an image classifier of this package, or has another
            network.
        ValueError
            If `image` does not have the shape of the training images.
        """
        check_image_classifier(estimator)
        network = uncompiled(estimator.module_)
        if not isinstance(network, (CNN, ResNet)):
            raise TypeError(
                f"Got a classifier with the network {type(network).__name__}, expected "
                "skmnist.networks.CNN or ResNet, whose layers are known. Pass an "
                "MnistCNNClassifier or ResNetClassifier with the default module."
            )
        first = network.conv1 if isinstance(network, CNN) else network.whiten
        kernels = first.weight.detach().cpu()
        if kernels.shape[1] == 3:
            kernels = kernels.movedim(1, 3).numpy()
        else:
            kernels = kernels.mean(dim=1).numpy()
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
        network.average_flips = network.average_shifts = False
        outputs = {}
        for layer, shown in _layers_to_show(network).items():
            network.get_submodule(shown).register_forward_hook(
                lambda _module, _inputs, output, layer=layer: outputs.update(
                    {layer: output[0].cpu().numpy()}
                )
            )
        with torch.inference_mode():
            rows = check_array(pixels, dtype=PIXEL_DTYPES, order="C")
            network(as_images(rows, estimator.image_shape_).to(estimator.device_))
        return cls(
            kernels,
            image=to_displayable(pixels, estimator.image_shape_)[0],
            hidden=outputs.pop("fc1", None),
            feature_maps=outputs,
            probabilities=dict(
                zip(estimator.classes_.tolist(), probabilities.tolist(), strict=True)
            ),
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Plot the kernels, and the outputs for the image if there is one.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. With an image, the parts replace them. If None, create a
            new figure.

        Returns
        -------
        FiltersDisplay
            This display.
        """
        if self.image is None:
            self.ax_, self.figure_ = get_axes(ax, figsize=(7, 1.8))
            self.axes_ = {"kernels": self.ax_}
        else:
            self.ax_, self.figure_ = get_axes(ax, figsize=(9, 7.5))
            subfigure = replace_by_subfigure(self.ax_)
            ratios = (1.2, 1.2, *[0.8] * (len(self.feature_maps) - 1), 1.2)
            first, *middle, last = subfigure.add_gridspec(
                len(ratios), 1, height_ratios=ratios
            )
            top, bottom = first.subgridspec(1, 2, width_ratios=(1, 4)), [last]
            if self.hidden is not None:
                bottom = last.subgridspec(1, 2)
            parts = {"image": top[0], "kernels": top[1]}
            parts |= dict(zip(self.feature_maps, middle, strict=True))
            if self.hidden is not None:
                parts["hidden"] = bottom[0]
            parts["probabilities"] = bottom[-1]
            self.axes_ = {
                name: subfigure.add_subplot(cell) for name, cell in parts.items()
            }
        n, height, width, *colours = self.kernels.shape
        limit = abs(self.kernels).max()
        title = f"first layer: {n} kernels of {height}x{width} weights"
        if colours:
            tiles = 0.5 + self.kernels / (2 * limit)  # grey is 0
            self._draw_tiles("kernels", tiles, f"{title} for each colour")
        else:
            self._draw_tiles("kernels", self.kernels, title, vmin=-limit, vmax=limit)
        if self.image is None:
            return self

        ax = self.axes_["image"]
        draw_image(ax, self.image)
        ax.set_axis_off()
        ax.set_title("image", fontsize=10)
        for name, maps in self.feature_maps.items():
            n, height, width = maps.shape
            operations = OPERATIONS.get(name, "")
            title = f"after {name}{operations}: {n} maps of {height}x{width}"
            n_rows = max(2, round(n**0.5 / 4))
            self._draw_tiles(name, maps, title, n_rows, vmin=min(0, maps.min()))
        if self.hidden is not None:
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
        ax.set_title("after the last layer and softmax", fontsize=10)
        return self

    def _draw_tiles(self, name, tiles, title, n_rows=2, **limits):
        """Draw small images in a grid; high values are dark, or colours."""
        ax = self.axes_[name]
        drawn = ax.imshow(_mosaic(tiles, n_rows), cmap="gray_r", **limits)
        ax.set_axis_off()
        ax.set_title(title, fontsize=10)
        if tiles.ndim == 4:
            return
        # inset, to be as high as the tiles and not as high as their cell
        bar = ax.inset_axes((1.01, 0, 0.015, 1))
        self.figure_.colorbar(drawn, cax=bar)


def _layers_to_show(network):
    """Return, by the name of each layer to show, the submodule that computes it."""
    if isinstance(network, CNN):
        return {"conv1": "relu1", "conv2": "relu2", "fc1": "relu3"}
    groups = [f"groups.{i}" for i in range(len(network.groups))]
    return {"whiten": "activation", **{name: name for name in groups}}


def _mosaic(tiles, n_rows):
    """Arrange tiles in one image, with NaN, or white if they have colours, between.

    Tiles have the shape (n, height, width) or (n, height, width, 3).
    """
    n, height, width, *colours = tiles.shape
    n_columns = -(-n // n_rows)
    gap = 0 if height == 1 else 1
    shape = (n_rows * (height + gap), n_columns * (width + gap), *colours)
    mosaic = np.full(shape, 1.0 if colours else np.nan)
    for i, tile in enumerate(tiles):
        row, column = divmod(i, n_columns)
        y, x = row * (height + gap), column * (width + gap)
        mosaic[y : y + height, x : x + width] = tile
    return mosaic[: n_rows * (height + gap) - gap, : n_columns * (width + gap) - gap]
