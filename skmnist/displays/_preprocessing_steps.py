"""Steps of the preprocessing of a picture."""

import math

from skmnist.displays._axes import get_axes, replace_by_subfigure


class PreprocessingDisplay:
    """A picture after each step of its preprocessing.

    Parameters
    ----------
    stages : dict of str to ndarray of shape (height, width) or (height, width, 3)
        Images by the name of the step, as returned by the `explain` of a
        `DigitPreprocessor` or an `ImageResizer`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Hidden axes at the position of the images.
    axes_ : dict of str to matplotlib Axes
        Axes of each image, by the name of the step.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    skmnist.preprocessing.DigitPreprocessor : Computes the stages.
    skmnist.preprocessing.ImageResizer : Has two stages.

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
    def from_estimator(cls, estimator, picture, *, n_columns=4, ax=None):
        """Plot one picture after each step of a preprocessor.

        Parameters
        ----------
        estimator : DigitPreprocessor or ImageResizer
            The preprocessor.
        picture : path, file, PIL.Image or array
            A single picture, as in `DigitPreprocessor.explain`.
        n_columns : int, default=4
            Number of columns of the grid.
        ax : matplotlib Axes, default=None
            Axes that the images replace. If None, create a new figure.

        Returns
        -------
        PreprocessingDisplay
            The plotted display.

        Raises
        ------
        FileNotFoundError, ValueError, TypeError
            If the picture cannot be read.
        """
        return cls(estimator.explain(picture)).plot(n_columns=n_columns, ax=ax)

    def plot(self, *, n_columns=4, ax=None):
        """Plot the stages in a grid.

        Parameters
        ----------
        n_columns : int, default=4
            Number of columns of the grid.
        ax : matplotlib Axes, default=None
            Axes that the images replace. If None, create a new figure.

        Returns
        -------
        PreprocessingDisplay
            This display.
        """
        n_rows = math.ceil(len(self.stages) / n_columns)
        size = (1.9 * n_columns, 2.1 * n_rows)
        self.ax_, self.figure_ = get_axes(ax, figsize=size)
        subfigure = replace_by_subfigure(self.ax_)
        grid = subfigure.add_gridspec(n_rows, n_columns)
        self.axes_ = {}
        for number, (name, image) in enumerate(self.stages.items()):
            ax = subfigure.add_subplot(grid[divmod(number, n_columns)])
            ax.imshow(image, cmap="gray", vmin=0, vmax=255)
            ax.set(title=name, xticks=[], yticks=[])
            self.axes_[name] = ax
        return self
