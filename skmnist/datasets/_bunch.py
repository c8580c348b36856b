"""Return values of the loaders."""

import numpy as np
from sklearn.utils import Bunch


def make_bunch(images, target, descr, *, return_X_y, as_frame):
    """Make the Bunch or the tuple that a loader returns.

    Parameters
    ----------
    images : ndarray of shape (n, height, width)
        Pixels.
    target : ndarray of shape (n,)
        Labels.
    descr : str
        Description of the data.
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
    n, height, width = images.shape
    data = images.reshape(n, height * width)
    images = data.reshape(n, height, width)  # shares memory with data
    feature_names = [
        f"pixel_{row}_{col}" for row in range(height) for col in range(width)
    ]
    frame = None
    if as_frame:
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                f"as_frame=True needs pandas, which cannot be imported ({error}). "
                "Install it (pip install pandas), or pass as_frame=False."
            ) from error
        data = pd.DataFrame(data, columns=feature_names, copy=False)
        target = pd.Series(target, name="target")
        frame = pd.concat([data, target], axis=1)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        images=images,
        target=target,
        frame=frame,
        target_names=np.unique(target),
        feature_names=feature_names,
        DESCR=descr,
    )
