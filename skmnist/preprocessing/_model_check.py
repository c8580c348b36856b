"""How the pictures for a model are preprocessed."""

from sklearn.pipeline import Pipeline

from skmnist._centering import CANVAS_SIZE
from skmnist.datasets._table import FASHION_MNIST, KMNIST
from skmnist.preprocessing._digit_preprocessor import DigitPreprocessor
from skmnist.preprocessing._image_resizer import ImageResizer


def split_model(model):
    """Split a model into the preprocessing of pictures and the rest.

    A pipeline says itself how its pictures are preprocessed. Pictures for a classifier
    of colour images are resized, and others are those of digits.

    Parameters
    ----------
    model : classifier or Pipeline
        Fitted.

    Returns
    -------
    preprocessor : DigitPreprocessor or ImageResizer
    clf : classifier or Pipeline

    Raises
    ------
    ValueError
        If it is no classifier, a pipeline that does not start with one of the two, or a
        classifier of other images.
    """
    if not hasattr(model, "predict_proba"):
        last = model[-1] if isinstance(model, Pipeline) else model
        raise ValueError(
            f"Got a model of type {type(last).__name__}, expected a classifier, or a "
            "pipeline that ends with one."
        )
    if isinstance(model, Pipeline):
        if not isinstance(model[0], (DigitPreprocessor, ImageResizer)):
            raise ValueError(
                f"Got a model of type Pipeline whose first step is {model[0]!r:.100}, "
                "expected DigitPreprocessor or ImageResizer, which read pictures. Put "
                "one of them in front of it."
            )
        return model[0], model[1:]
    if getattr(model, "image_shape_", (1,))[0] == 3:
        _check_scale(model)
        return ImageResizer(model.image_shape_), model
    check_classifier(model)
    return DigitPreprocessor(), model


def check_classifier(clf):
    """Raise ValueError unless a classifier reads what `DigitPreprocessor` returns.

    Parameters
    ----------
    clf : classifier
        Fitted, with the attributes `image_shape_` and `pixel_mean_`.

    Raises
    ------
    ValueError
        If its images are not of shape (1, 28, 28), or their pixels not in 0 to 255, or
        if its classes are those of another data set of such images.
    """
    expected = (1, CANVAS_SIZE, CANVAS_SIZE)
    shape = clf.image_shape_
    if shape != expected:
        raise ValueError(
            f"Got a model trained on images of shape {shape}, but pictures "
            f"are converted to images of shape {expected}. Use a model trained on "
            "MNIST or on images of the same shape; or for other pictures, save it in a "
            f"pipeline that resizes them: make_pipeline(ImageResizer({shape}), clf)."
        )
    _check_scale(clf)
    for dataset in (FASHION_MNIST, KMNIST):
        if set(clf.classes_) == set(dataset.target_names):
            raise ValueError(
                f"Got a model trained on {dataset.name}, with the classes "
                f"{', '.join(clf.classes_)}, but pictures are converted to images like "
                "those of MNIST. Use a model trained on handwritten digits or letters."
            )


def _check_scale(clf):
    """Raise ValueError if a classifier was not trained on pixels from 0 to 255."""
    if clf.pixel_mean_[0] < 1:
        raise ValueError(
            f"Got a model trained on pixels with mean {clf.pixel_mean_[0]:.3f}, but "
            "pictures are converted to pixels from 0 to 255. Train the model on pixels "
            "from 0 to 255, without dividing them."
        )
