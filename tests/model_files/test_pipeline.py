"""`save` and `load` of pipelines."""

import os
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from damaged_files import with_checksum
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

import skmnist
from skmnist._safe_file import read_safe_file
from skmnist.model_files._allowed_types import TRANSFORMERS
from skmnist.preprocessing import DigitPreprocessor, ImageResizer

STEPS = [
    [StandardScaler()],
    [StandardScaler(with_mean=False, with_std=False)],
    [MinMaxScaler(feature_range=(-1, 1), clip=True)],
    [MaxAbsScaler(), Binarizer(threshold=0.5)],
    [RobustScaler(quantile_range=(5.0, 95.0))],
    [RobustScaler(with_centering=False), Normalizer(norm="max")],
    [FunctionTransformer(), FunctionTransformer(validate=True), "passthrough"],
    [VarianceThreshold(), PCA(25)],
    [PCA(36, whiten=True, svd_solver="randomized", random_state=0)],
    [QuantileTransformer(n_quantiles=50, random_state=0)],
    [PowerTransformer(), None],
    [PowerTransformer(standardize=False)],
    [],
]
"""Steps before a classifier of scikit-learn's digits."""


@pytest.fixture(scope="module")
def images(digits):
    X, y = digits
    return X[:300], y[:300]


def assert_equal_state(found, expected):
    """Assert that two values, or two transformers, are the same to the last bit."""
    assert type(found) is type(expected)
    if hasattr(expected, "get_params"):
        assert vars(found).keys() == vars(expected).keys()
        for name, value in vars(expected).items():
            assert_equal_state(getattr(found, name), value)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.flags.f_contiguous == expected.flags.f_contiguous
        assert np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f")
    else:
        assert found == expected


def as_python(transformer):
    """Replace NumPy's scalars, which a file keeps as Python's."""
    for name, value in vars(transformer).items():
        if isinstance(value, np.generic):
            setattr(transformer, name, value.item())
        elif hasattr(value, "get_params"):
            as_python(value)
    return transformer


@pytest.mark.parametrize("steps", STEPS, ids=lambda steps: "-".join(map(str, steps)))
def test_round_trip(images, small, path, steps):
    X, y = images
    pipeline = make_pipeline(*steps, small(max_epochs=1)).fit(X, y)
    skmnist.save(pipeline, path)
    loaded = skmnist.load(path)
    assert type(loaded) is Pipeline
    assert [name for name, _ in loaded.steps] == [name for name, _ in pipeline.steps]
    for (_, found), (_, expected) in zip(
        loaded.steps, pipeline.steps[:-1], strict=False
    ):
        if expected in (None, "passthrough"):
            assert found == expected
        else:
            assert_equal_state(found, as_python(expected))
    for method in ("predict", "predict_proba", "predict_log_proba"):
        expected = getattr(pipeline, method)(X)
        assert np.array_equal(getattr(loaded, method)(X), expected)
    assert loaded.score(X, y) == pipeline.score(X, y)
    if isinstance(pipeline[0], StandardScaler) and pipeline[0].with_mean:
        # what saving the last step alone would lose
        assert not np.array_equal(loaded[-1].predict_proba(X), loaded.predict_proba(X))
    assert (loaded.classes_ == pipeline.classes_).all()
    assert loaded[-1].history == pipeline[-1].history

    first = path.read_bytes()
    skmnist.save(loaded, path)
    assert path.read_bytes() == first
    assert loaded.fit(X, y).score(X, y) == pipeline.score(X, y)


def test_all_transformers_are_tested():
    tested = {type(step).__name__ for steps in STEPS for step in steps}
    known = {name.rpartition(".")[2] for name in TRANSFORMERS}
    assert known - {"DigitPreprocessor", "ImageResizer"} <= tested


def test_digit_preprocessor(few, small, path):
    X, y = few
    pictures = [np.pad(255 - row.reshape(28, 28), 8, constant_values=255) for row in X]
    preprocessor = DigitPreprocessor(stroke_width=2.5, remove_lines=False)
    pipeline = make_pipeline(preprocessor, small(max_epochs=1)).fit(
        pictures[:50], y[:50]
    )
    skmnist.save(pipeline, path)
    loaded = skmnist.load(path)
    expected = pipeline.predict_proba(pictures)
    assert np.array_equal(loaded.predict_proba(pictures), expected)
    assert loaded[0].get_params() == preprocessor.get_params()


@pytest.mark.parametrize("image_shape", [(1, 16, 17), (3, 16, 17)])
def test_image_resizer(few, small, path, image_shape):
    X, y = few
    images = X[:50].reshape(-1, 28, 28).astype(np.uint8)
    clf = small(max_epochs=1, image_shape=image_shape)
    pipeline = make_pipeline(ImageResizer(image_shape), clf).fit(images, y[:50])
    skmnist.save(pipeline, path)
    loaded = skmnist.load(path)
    expected = pipeline.predict_proba(images)
    assert np.array_equal(loaded.predict_proba(images), expected)
    assert loaded[0].image_shape == image_shape


def test_invalid_preprocessing_is_refused(few, small, path):
    """Its parameters are not checked before the first picture otherwise."""
    X, y = few
    clf = small(max_epochs=1).fit(X, y)
    for step in (ImageResizer((2, 8, 8)), DigitPreprocessor(threshold=2.0)):
        with pytest.raises(ValueError, match="could not be loaded again"):
            skmnist.save(make_pipeline(step, clf), path)
    assert os.listdir(path.parent) == []


def test_data_frames(images, small, path):
    X, y = images
    X = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    pipeline = make_pipeline(StandardScaler(), small(max_epochs=1))
    pipeline.set_output(transform="pandas").fit(X, y)
    skmnist.save(pipeline, path)
    loaded = skmnist.load(path)
    assert np.array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))
    assert loaded.feature_names_in_.tolist() == X.columns.tolist()
    assert loaded[-1].feature_names_in_.tolist() == X.columns.tolist()
    assert (
        loaded.get_params(deep=False).keys() == pipeline.get_params(deep=False).keys()
    )


def test_parameters_of_the_pipeline(images, small, path):
    steps = [("größe.1", MinMaxScaler()), ("cnn", small(max_epochs=1))]
    pipeline = Pipeline(steps, verbose=True).fit(*images)
    pipeline.set_params(transform_input=["sample_weight"])  # needs metadata routing
    skmnist.save(pipeline, path)
    loaded = skmnist.load(path)
    assert [*loaded.named_steps] == ["größe.1", "cnn"]
    assert loaded.verbose is True
    assert loaded.transform_input == ["sample_weight"]


class OwnScaler(StandardScaler):
    pass


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (FunctionTransformer(np.sqrt), "Got step__func=<ufunc 'sqrt'>"),
        (FunctionTransformer(skmnist.RandomAffine), "Got step__func=<class"),
        (FunctionTransformer(kw_args={"f": len}), r"Got step__kw_args\.f=<built-in"),
        (PCA(4, random_state=np.random.RandomState(0)), "Got step__random_state="),
        (OwnScaler(), r"Got step=OwnScaler\(\)"),
        (make_pipeline(StandardScaler()), r"Got step=Pipeline\("),
        (
            ColumnTransformer([("x", "passthrough", [0])]),
            r"Got step=ColumnTransformer\(",
        ),
    ],
)
def test_error_names_step_and_parameter(images, small, path, step, message):
    X, y = images
    # fitted apart, because not all of them can transform images for the classifier
    step = step.fit(X, y) if not isinstance(step, FunctionTransformer) else step
    pipeline = Pipeline([("step", step), ("cnn", small(max_epochs=1).fit(X, y))])
    path.write_text("kept")
    with pytest.raises(TypeError, match=message):
        skmnist.save(pipeline, path)
    assert path.read_text() == "kept"
    assert os.listdir(path.parent) == [path.name]


def test_error_names_the_parameter_of_the_classifier(images, small, path):
    pipeline = Pipeline([("scale", MinMaxScaler()), ("cnn", small(max_epochs=1))])
    pipeline.fit(*images).set_params(cnn__augmentation=abs)
    with pytest.raises(TypeError, match="Got cnn__augmentation=<built-in"):
        skmnist.save(pipeline, path)
    pipeline.set_params(cnn__augmentation=None, memory=str(path.parent))
    with pytest.raises(TypeError, match=r"Got memory=.*a cache of pickles"):
        skmnist.save(pipeline, path)
    pipeline.set_params(memory=None)
    pipeline[0].note = "monday"
    with pytest.raises(TypeError, match=r"Got scale, a sklearn.*MinMaxScaler.*'note'"):
        skmnist.save(pipeline, path)
    assert os.listdir(path.parent) == []


def test_not_a_fitted_pipeline(images, small, path):
    X, y = images
    with pytest.raises(NotFittedError):
        skmnist.save(make_pipeline(MinMaxScaler(), small()), path)
    clf = small(max_epochs=1).fit(X, y)
    with pytest.raises(TypeError, match=r"MinMaxScaler.*Either it is not fitted"):
        skmnist.save(make_pipeline(MinMaxScaler(), clf), path)
    other = make_pipeline(MinMaxScaler(), LogisticRegression()).fit(X, y)
    with pytest.raises(TypeError, match="Got a LogisticRegression as the last step"):
        skmnist.save(other, path)
    assert os.listdir(path.parent) == []


@pytest.fixture
def change(images, small, path):
    """Change the metadata of a file that holds a pipeline."""
    pipeline = make_pipeline(StandardScaler(), small(max_epochs=1)).fit(*images)
    skmnist.save(pipeline, path)
    metadata, tensors = read_safe_file(path)

    def change(**changes):
        ((_, step),) = metadata["pipeline"]["steps"]
        step["transformer"] = changes.get("step", step["transformer"])
        for name, value in changes.get("parameters", {}).items():
            step["transformer"][1][name] = value
        for name in changes.get("removed", ()):
            del step["transformer"][2][name]
        path.write_bytes(with_checksum(metadata, tensors))

    return change


@pytest.mark.parametrize(
    "name",
    [
        *("antigravity.StandardScaler", "os.system", "sklearn.preprocessing._data.os"),
        *("sklearn.linear_model.LogisticRegression", "StandardScaler", ""),
        *("sklearn.preprocessing.OneHotEncoder", "skmnist.MnistCNNClassifier"),
    ],
)
def test_other_classes_are_neither_imported_nor_created(change, path, name):
    change(step=[name, {}, {}])
    modules = {*sys.modules}
    with pytest.raises(ValueError, match=r"'transformer' with .* is unknown"):
        skmnist.load(path)
    assert {*sys.modules} == modules


def test_state_of_another_version_of_scikit_learn(change, path):
    change(parameters={"with_median": True})
    with pytest.raises(
        ValueError, match="unexpected keyword argument 'with_median'"
    ) as e:
        skmnist.load(path)
    assert f"'scikit-learn': '{sklearn.__version__}'" in str(e.value)
    change(removed=["scale_"])
    with pytest.raises(ValueError, match=r"with the attributes .*expected .*'scale_'"):
        skmnist.load(path)


def test_tensors_of_a_pipeline_stay_readable(images, small, path):
    pipeline = make_pipeline(StandardScaler(), small(max_epochs=1)).fit(*images)
    skmnist.save(pipeline, path)
    _, tensors = read_safe_file(path)
    mean = torch.from_numpy(pipeline[0].mean_)
    assert torch.equal(tensors["standardscaler__mean_"], mean)
    assert torch.equal(tensors["network.fc2.bias"], pipeline[-1].module_.fc2.bias)
