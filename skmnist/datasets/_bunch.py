"""Return values of the loaders."""

from sklearn.utils import Bunch

COLORS = ("red", "green", "blue")
"""Channels of colour images."""


def make_bunch(images, target, descr, *, target_names, return_X_y, as_frame):
    """Make the Bunch or the tuple that a loader returns.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, channels, height, width)
        Pixels.
    target : ndarray of shape (n,)
        Labels.
    descr : str
        Description of the data.
    target_names : ndarray
        Names of the classes.
    return_X_y : bool
        Whether to return `(data, target)` instead of a Bunch.
    as_frame : bool
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)

    Raises
    ------
    ImportError
        If `as_frame` is True and pandas is not installed.
    """
    shape = images.shape
    channels, height, width = shape[1:] if len(shape) == 4 else (1, *shape[1:])
    data = images.reshape(shape[0], channels * height * width)
    images = data.reshape(shape)  # shares memory with data
    frame = None
    if as_frame:
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                f"as_frame=True needs pandas, which cannot be imported ({error}). "
                "Install it (pip install pandas), or pass as_frame=False."
            ) from error
        columns = _name_pixels(channels, height, width)
        data = pd.DataFrame(data, columns=columns, copy=False)
        target = pd.Series(target, name="target")
        frame = pd.concat([data, target], axis=1)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        images=images,
        target=target,
        frame=frame,
        target_names=target_names,
        feature_names=_name_pixels(channels, height, width),
        image_shape=(channels, height, width),
        DESCR=descr,
    )


def _name_pixels(channels, height, width):
    """Name the columns of data, by channel if there are several."""
    if channels == 1:
        prefixes = ["pixel"]
    elif channels == len(COLORS):
        prefixes = [f"pixel_{color}" for color in COLORS]
    else:
        prefixes = [f"pixel_{channel}" for channel in range(channels)]
    return [
        f"{prefix}_{row}_{column}"
        for prefix in prefixes
        for row in range(height)
        for column in range(width)
    ]
