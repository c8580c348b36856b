import numpy as np
import pytest
from matplotlib.figure import Figure

from skmnist.displays import PreprocessingDisplay
from skmnist.preprocessing import DigitPreprocessor


@pytest.fixture
def picture():
    """A dark vertical stroke on a bright background."""
    picture = np.full((100, 80), 250, dtype=np.uint8)
    picture[20:80, 38:42] = 60
    return picture


def test_stages_of_a_picture(picture):
    preprocessor = DigitPreprocessor()
    display = PreprocessingDisplay.from_estimator(preprocessor, picture)
    stages = preprocessor.explain(picture)
    assert list(display.axes_) == list(stages)
    for name, ax in display.axes_.items():
        assert ax.get_title() == name
        np.testing.assert_array_equal(ax.images[0].get_array(), stages[name])
        assert ax.images[0].get_clim() == (0, 255)


@pytest.mark.parametrize(("n_columns", "n_rows"), [(3, 3), (4, 2), (8, 1)])
def test_columns(picture, n_columns, n_rows):
    ax = Figure().subplots()
    display = PreprocessingDisplay.from_estimator(
        DigitPreprocessor(), picture, n_columns=n_columns, ax=ax
    )
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    grid = display.axes_["result"].get_subplotspec().get_gridspec()
    assert (grid.nrows, grid.ncols) == (n_rows, n_columns)
    assert display.plot() is display


def test_picture_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        PreprocessingDisplay.from_estimator(DigitPreprocessor(), tmp_path / "none.png")
