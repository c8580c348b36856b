"""The digits that have been read in a picture."""

from skmnist.displays._axes import get_axes
from skmnist.preprocessing import DigitPreprocessor
from skmnist.preprocessing._image_reading import get_name, read_luminance
from skmnist.reading import read

FIGURE_SIDE = 6.0
"""Longer side of the figure, in inches."""


class ReadingDisplay:
    """A picture with a box around each digit that has been read in it.

    The label is above each box, and the least certain digit has a box of its own
    colour.

    Parameters
    ----------
    picture : ndarray of shape (height, width) or (height, width, 3), uint8
        The picture, possibly at a lower resolution.
    reading : skmnist.reading.Reading
        What has been read in it.
    size : tuple (width, height), default=None
        Size of the picture in the pixels of the boxes. None: that of `picture`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the picture.
    figure_ : matplotlib Figure
        Figure of the axes.
    boxes_ : list of matplotlib Rectangle
        A box for each digit.

    See Also
    --------
    skmnist.read : Reads a picture.

    Examples
    --------
    >>> import skmnist
    >>> from skmnist.datasets import load_mnist_sample, make_digit_strings
    >>> from skmnist.displays import ReadingDisplay
    >>> X, y = load_mnist_sample(subset="train", return_X_y=True)
    >>> clf = skmnist.MnistCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    >>> number = make_digit_strings(X, y, n_samples=1, length=5, random_state=0)
    >>> display = ReadingDisplay.from_estimator(clf, number.images[0])
    >>> len(display.boxes_)
    5
    """

    def __init__(self, picture, reading, *, size=None):
        self.picture = picture
        self.reading = reading
        self.size = size

    @classmethod
    def from_estimator(cls, estimator, picture, *, ax=None):
        """Read a picture and plot what has been read.

        Parameters
        ----------
        estimator : classifier, Pipeline or path
            The model, as in :func:`skmnist.read`.
        picture : path, file, PIL.Image or array
            A single picture, as in :func:`skmnist.read`.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, create a new figure.

        Returns
        -------
        ReadingDisplay
            The plotted display.

        Raises
        ------
        FileNotFoundError, ValueError, TypeError
            If the picture or the model cannot be read.
        """
        return cls.from_reading(read(picture, estimator), picture, ax=ax)

    @classmethod
    def from_reading(cls, reading, picture, *, ax=None):
        """Plot what has been read in a picture.

        Parameters
        ----------
        reading : skmnist.reading.Reading
            What :func:`skmnist.read` has returned for the picture.
        picture : path, file, PIL.Image or array
            The picture.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, create a new figure.

        Returns
        -------
        ReadingDisplay
            The plotted display.

        Raises
        ------
        FileNotFoundError, ValueError, TypeError
            If the picture cannot be read.
        """
        rgb, _luminance, size = read_luminance(
            picture, get_name(picture, None), DigitPreprocessor().max_pixels
        )
        return cls(rgb, reading, size=size).plot(ax=ax)

    def plot(self, *, ax=None):
        """Plot the picture and the boxes.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, create a new figure.

        Returns
        -------
        ReadingDisplay
            This display.
        """
        from matplotlib.patches import Rectangle

        width, height = self.size or self.picture.shape[1::-1]
        unit = FIGURE_SIDE / max(width, height)
        self.ax_, self.figure_ = get_axes(ax, figsize=(unit * width, unit * height))
        extent = (0, width, height, 0)
        self.ax_.imshow(self.picture, cmap="gray", vmin=0, vmax=255, extent=extent)
        self.ax_.set(xticks=[], yticks=[])
        self.boxes_ = []
        boxes = zip(self.reading.boxes.tolist(), self.reading.labels, strict=True)
        for number, ((left, top, right, bottom), label) in enumerate(boxes):
            color = "C1" if number == self.reading.least_certain else "C0"
            box = Rectangle(
                (left, top), right - left, bottom - top, fill=False, color=color
            )
            self.boxes_.append(self.ax_.add_patch(box))
            self.ax_.annotate(
                str(label),
                ((left + right) / 2, top),
                (0, 2),
                textcoords="offset points",
                ha="center",
                va="bottom",
                color=color,
                weight="bold",
                annotation_clip=False,
            )
        return self
