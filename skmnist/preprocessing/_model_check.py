"""Check that a classifier was trained on images like those of the preprocessor."""

from skmnist.datasets._table import FASHION_MNIST, KMNIST
from skmnist.preprocessing._centering import CANVAS_SIZE


def check_classifier(clf):
    """Raise ValueError unless a classifier reads what `DigitPreprocessor` returns.

    Parameters
    ----------
    clf : classifier
        Fitted, with the attributes `image_shape_` and `pixel_mean_`.

    Raises
    ------
    ValueError
        If it is not a classifier of images, such as a pipeline, if its images are not
        of shape (1, 28, 28), or their pixels not in 0 to 255, or if its classes are
        those of another data set of such images.
    """
    if not hasattr(clf, "image_shape_"):
        raise ValueError(
            f"Got a model of type {type(clf).__name__}, expected a fitted "
            "MnistCNNClassifier without other steps: the pictures are preprocessed "
            "already. Train one on images from 0 to 255."
        )
    expected = (1, CANVAS_SIZE, CANVAS_SIZE)
    if clf.image_shape_ != expected:
        raise ValueError(
            f"Got a model trained on images of shape {clf.image_shape_}, but pictures "
            f"are converted to images of shape {expected}. Use a model trained on "
            "MNIST or on images of the same shape."
        )
    if clf.pixel_mean_[0] < 1:
        raise ValueError(
            f"Got a model trained on pixels with mean {clf.pixel_mean_[0]:.3f}, but "
            "pictures are converted to pixels from 0 to 255. Train the model on pixels "
            "from 0 to 255, without dividing them."
        )
    for dataset in (FASHION_MNIST, KMNIST):
        if set(clf.classes_) == set(dataset.target_names):
            raise ValueError(
                f"Got a model trained on {dataset.name}, with the classes "
                f"{', '.join(clf.classes_)}, but pictures are converted to images like "
                "those of MNIST. Use a model trained on handwritten digits or letters."
            )
