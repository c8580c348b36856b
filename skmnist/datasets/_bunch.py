"""The form in which every loader returns its digits."""

import numpy as np
from sklearn.utils import Bunch


def make_bunch(images, target, descr, *, return_X_y, as_frame):
    """Put digits into the Bunch, tuple or frames that scikit-learn's loaders return.

    Parameters
    ----------
    images : ndarray of shape (n, height, width)
    target : ndarray of shape (n,)
    descr : str
        Description of the data.
    return_X_y, as_frame : bool
        As in scikit-learn's loaders.

    Returns
    -------
    sklearn.utils.Bunch or tuple (data, target)
    """
    n, height, width = images.shape
    data = images.reshape(n, height * width)
    images = data.reshape(n, height, width)
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
