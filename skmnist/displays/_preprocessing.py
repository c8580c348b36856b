"""The steps of the preprocessing of a picture."""

import math

from skmnist.displays._axes import get_axes, replace_by_subfigure


class PreprocessingDisplay:
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
    >>> from skmnist.displays import PreprocessingDisplay
    >>> from skmnist.preprocessing import DigitPreprocessor
    >>> picture = np.full((100, 80), 250, dtype=np.uint8)
    >>> picture[20:80, 38:42] = 60
    >>> display = PreprocessingDisplay.from_estimator(DigitPreprocessor(), picture)
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
        PreprocessingDisplay

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
        PreprocessingDisplay
            The display itself.
        """
        n_rows = math.ceil(len(self.stages) / n_columns)
        size = (1.9 * n_columns, 2.1 * n_rows)
        self.ax_, self.figure_ = get_axes(ax, figsize=size)
        place = replace_by_subfigure(self.ax_)
        grid = place.add_gridspec(n_rows, n_columns)
        self.axes_ = {}
        for number, (name, image) in enumerate(self.stages.items()):
            cell = place.add_subplot(grid[divmod(number, n_columns)])
            cell.imshow(image, cmap="gray", vmin=0, vmax=255)
            cell.set(title=name, xticks=[], yticks=[])
            self.axes_[name] = cell
        return self
