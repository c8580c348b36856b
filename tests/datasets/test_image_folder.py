"""`load_image_folder`: a folder of pictures with a folder for each class."""

import os
import pickle
import warnings

import numpy as np
import pytest
import sklearn
from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from skmnist.datasets import LazyImages, dataset_to_arrays, load_image_folder
from skmnist.datasets._picture_dataset import PictureFiles
from skmnist.preprocessing import ImageResizer

ORIENTATION = 0x0112


def noise(seed, height, width, mode="RGB"):
    shape = (height, width, 3) if mode == "RGB" else (height, width)
    values = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return Image.fromarray(values)


def save(path, image, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


@pytest.fixture
def folder(tmp_path):
    """Pictures in colour of several sizes and formats."""
    root = tmp_path / "photos"
    for number, (name, height, width) in enumerate(
        [("dog/b.png", 20, 30), ("dog/a.webp", 50, 40), ("cat/1.PNG", 16, 16)]
    ):
        save(root / name, noise(number, height, width))
    return root


@pytest.fixture
def squares(tmp_path):
    """Grey pictures of one size."""
    root = tmp_path / "squares"
    for number in range(6):
        save(root / "ab"[number % 2] / f"{number}.png", noise(number, 9, 7, "L"))
    return root


def test_bunch(folder):
    shape = (3, 12, 10)
    pictures = load_image_folder(folder, image_shape=shape)
    assert pictures.image_shape == shape
    assert pictures.images.shape == (3, *shape)
    assert pictures.images.dtype == np.uint8
    assert np.shares_memory(pictures.images, pictures.data)
    assert pictures.data.shape == (3, len(pictures.feature_names))
    assert pictures.target.dtype == np.int64
    labels = pictures.target_names[pictures.target]
    assert labels.tolist() == ["cat", "dog", "dog"]
    names = [os.path.join("cat", "1.PNG"), os.path.join("dog", "a.webp")]
    names.append(os.path.join("dog", "b.png"))
    assert pictures.filenames.tolist() == [str(folder / name) for name in names]
    assert "3 pictures of 2 classes" in pictures.DESCR
    X, y = load_image_folder(str(folder), image_shape=[*shape], return_X_y=True)
    assert np.array_equal(X, pictures.images)
    assert np.array_equal(y, pictures.target)


def test_the_same_as_torchvision(folder):
    transform = v2.Compose([v2.Resize((12, 10)), v2.PILToTensor()])
    images, target = dataset_to_arrays(ImageFolder(folder, transform))
    pictures = load_image_folder(folder, image_shape=(3, 12, 10))
    assert np.array_equal(pictures.images, images)
    assert np.array_equal(pictures.target, target)


def test_without_resizing(squares):
    pictures = load_image_folder(squares)
    assert pictures.image_shape == (1, 9, 7)
    assert pictures.images.shape == (6, 9, 7)
    for path, image in zip(pictures.filenames, pictures.images, strict=True):
        assert np.array_equal(image, np.asarray(Image.open(path)))
    # one picture in colour makes all of them pictures in colour
    save(squares / "b" / "x.png", noise(0, 9, 7))
    colored = load_image_folder(squares)
    assert colored.images.shape == (7, 3, 9, 7)
    for channel in range(3):
        assert np.array_equal(colored.images[:6, channel], pictures.images)


def test_several_sizes(folder):
    with pytest.raises(ValueError, match="several sizes") as error:
        load_image_folder(folder)
    for part in ("1.PNG has 16x16", "a.webp has 40x50", "image_shape=(3, 32, 32)"):
        assert part in str(error.value)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff"])
def test_size_is_that_of_the_turned_picture(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    for name in "ab":
        save(tmp_path / name / f"1.{suffix}", noise(0, 8, 12), exif=exif)
    turned = (12, 8) if orientation > 4 else (8, 12)
    assert load_image_folder(tmp_path).image_shape == (3, *turned)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "P", "RGBA", "CMYK"])
def test_modes(tmp_path, mode):
    """Whatever the mode, reading agrees with what the header says."""
    for name in "ab":
        (tmp_path / name).mkdir()
        path = tmp_path / name / ("1.tiff" if mode == "CMYK" else "1.png")
        if mode == "I;16":
            Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(path)
        else:
            noise(0, 8, 8).convert(mode).save(path)
    pictures = load_image_folder(tmp_path)
    is_grey = mode in ("1", "L", "LA", "I;16")
    assert pictures.image_shape == (1 if is_grey else 3, 8, 8)
    if mode == "I;16":
        assert (pictures.images == round(40_000 / 257)).all()


def test_large_jpegs(tmp_path):
    """They are decoded at a lower resolution, and look the same."""
    for name in "ab":
        gradient = np.linspace(0, 255, 800).astype(np.uint8)
        save(tmp_path / name / "1.jpg", Image.fromarray(np.tile(gradient, (600, 1))))
    images = load_image_folder(tmp_path, image_shape=(1, 20, 30)).images
    expected = np.linspace(0, 255, 30)
    assert abs(images.astype(float) - expected).max() < 6


def test_system_files_are_ignored(folder):
    for path in (".DS_Store", "cat/.DS_Store", "cat/Thumbs.db", "dog/desktop.ini"):
        (folder / path).write_text("x")
    for path in (".cache", "__MACOSX", "cat/.thumbnails"):
        (folder / path).mkdir()
    (folder / "README.txt").write_text("beside the classes")
    save(folder / "cover.png", noise(0, 5, 5))
    pictures = load_image_folder(folder, image_shape=(1, 8, 8), on_error="raise")
    assert len(pictures.images) == 3


@pytest.fixture
def damaged(folder):
    """Three files that cannot be read, one of them with an intact header."""
    content = (folder / "dog" / "b.png").read_bytes()
    (folder / "cat" / "half.png").write_bytes(content[: len(content) // 2])
    (folder / "cat" / "notes.txt").write_text("not a picture")
    (folder / "dog" / "empty.jpg").touch()
    return folder


def test_unreadable_files(damaged):
    with pytest.warns(UserWarning, match="3 files .* are skipped") as caught:
        pictures = load_image_folder(damaged, image_shape=(1, 8, 8))
    (warning,) = caught
    assert warning.filename == __file__
    for name in ("half.png", "notes.txt", "empty.jpg"):
        assert str(warning.message).count(name) == 1
        assert not any(name in path for path in pictures.filenames)
    assert pictures.target_names[pictures.target].tolist() == ["cat", "dog", "dog"]
    assert len(pictures.images) == len(pictures.filenames) == 3
    with pytest.raises(ValueError, match=r"(half\.png|notes\.txt), which"):
        load_image_folder(damaged, image_shape=(1, 8, 8), on_error="raise")


def test_many_unreadable_files_are_counted(folder):
    for number in range(30):
        (folder / "cat" / f"{number}.png").touch()
    with pytest.warns(UserWarning, match="and 20 others") as caught:
        load_image_folder(folder, image_shape=(1, 8, 8))
    assert str(caught[0].message).count(".png,") == 10


def test_classes_without_pictures(folder):
    (folder / "emu").mkdir()
    with pytest.raises(ValueError, match=r"emu has no pictures that can be read"):
        load_image_folder(folder)
    (folder / "emu" / "1.png").write_text("x")
    with pytest.raises(ValueError, match=r"The first of 1 errors: Got .*1\.png"):
        load_image_folder(folder)


def test_folders_inside_of_classes(folder):
    """As of a folder with the parts "train" and "test"."""
    with pytest.raises(ValueError, match=r"folders inside \(cat\)") as error:
        load_image_folder(folder.parent)
    assert f"Pass {folder} if its folders" in str(error.value)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("missing", FileNotFoundError, "there is no such folder"),
        ("file.png", NotADirectoryError, "which is a file; expected a folder"),
        ("empty", ValueError, "has no folders; expected one for each class"),
        ("flat", ValueError, "has no folders; expected one for each class"),
    ],
)
def test_not_a_folder_of_classes(tmp_path, name, error, message):
    (tmp_path / "empty").mkdir()
    save(tmp_path / "file.png", noise(0, 5, 5))
    save(tmp_path / "flat" / "1.png", noise(0, 5, 5))
    with pytest.raises(error, match=message):
        load_image_folder(tmp_path / name)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"image_shape": (32, 32)}, ValueError),
        ({"image_shape": (4, 32, 32)}, ValueError),
        ({"image_shape": (1, 0, 32)}, ValueError),
        ({"image_shape": (1, 10**9, 32)}, ValueError),
        ({"image_shape": 32}, TypeError),
        ({"image_shape": (1, 8.0, 8)}, TypeError),
        ({"image_shape": "3x3"}, TypeError),
        ({"on_error": "ignore"}, ValueError),
    ],
)
def test_invalid_parameters(folder, parameters, error):
    (name,) = parameters
    with pytest.raises(error, match=f"Got {name}="):
        load_image_folder(folder, **parameters)


@pytest.mark.parametrize("name", ["猫", "чай", "قطة", "été", "a b", "$x$", "_x", "🐈"])
def test_names_in_any_script(tmp_path, name):
    for label in (name, "other"):
        save(tmp_path / label / "1.png", noise(0, 5, 5))
    pictures = load_image_folder(tmp_path)
    assert sorted([name, "other"]) == pictures.target_names.tolist()
    assert [os.path.basename(os.path.dirname(f)) for f in pictures.filenames] == sorted(
        [name, "other"]
    )


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links(folder, tmp_path):
    other = tmp_path / "other"
    save(other / "x.png", noise(5, 10, 10))
    (folder / "emu").symlink_to(other)
    (folder / "cat" / "2.png").symlink_to(other / "x.png")
    (folder / "cat" / "broken.png").symlink_to(tmp_path / "missing")
    (folder / "cat" / "loop.png").symlink_to(folder / "cat" / "loop.png")
    with pytest.warns(UserWarning, match="2 files") as caught:
        pictures = load_image_folder(folder, image_shape=(3, 10, 10))
    assert "there is no such file" in str(caught[0].message)
    assert pictures.target_names.tolist() == ["cat", "dog", "emu"]
    assert np.array_equal(pictures.images[1], pictures.images[-1])


def test_other_pictures_are_converted_in_the_same_way(folder):
    for shape in ((3, 12, 10), (1, 30, 30)):
        pictures = load_image_folder(folder, image_shape=shape)
        resized = ImageResizer(shape).transform(pictures.filenames)
        assert np.array_equal(resized, pictures.images)


def test_data_set_of_files(folder):
    pictures = load_image_folder(folder, image_shape=(3, 12, 10))
    dataset = PictureFiles([*pictures.filenames], (3, 12, 10))
    dataset = pickle.loads(pickle.dumps(dataset))
    assert len(dataset) == 3
    for position, image in enumerate(pictures.images):
        assert np.array_equal(dataset[position], image)
    os.remove(pictures.filenames[1])
    with pytest.raises(FileNotFoundError, match=r"a\.webp"):
        dataset[1]


def test_no_warnings_about_faults_that_are_repaired(tmp_path):
    """Palettes with transparency, for example."""
    for name in "ab":
        image = noise(0, 8, 8).convert("P")
        save(tmp_path / name / "1.png", image, transparency=bytes(range(256)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_image_folder(tmp_path).image_shape == (3, 8, 8)


@pytest.mark.parametrize("image_shape", [(3, 16, 17), (1, 16, 17)])
def test_lazy(folder, small, image_shape):
    """The same images, and the same model to the last bit."""
    for number in range(10):
        save(folder / "cat" / f"more-{number}.png", noise(number, 30, 30))
    pictures = load_image_folder(folder, image_shape=image_shape)
    lazy = load_image_folder(folder, image_shape=image_shape, lazy=True)
    assert isinstance(lazy.images, LazyImages)
    assert lazy.images.shape == pictures.images.shape
    assert lazy.images.dtype == np.uint8
    assert np.array_equal(lazy.images.read(), pictures.images)
    for name in ("target", "target_names", "filenames", "image_shape", "DESCR"):
        assert np.array_equal(lazy[name], pictures[name])
    assert np.array_equal(lazy.images.labels, lazy.target)
    expected = small(max_epochs=1).fit(pictures.images, pictures.target)
    with sklearn.config_context(working_memory=0):
        clf = small(max_epochs=1).fit(pickle.loads(pickle.dumps(lazy.images)))
        assert np.array_equal(
            clf.predict_proba(lazy.images), expected.predict_proba(pictures.images)
        )
    X, y = load_image_folder(
        folder, image_shape=image_shape, lazy=True, return_X_y=True
    )
    assert np.array_equal(X[[1, 0]].read(), pictures.images[[1, 0]])
    assert np.array_equal(y, pictures.target)


def test_lazy_reads_headers_only(damaged):
    """Damage behind a header is found when the picture is read."""
    with pytest.warns(UserWarning, match="2 files .* are skipped"):
        pictures = load_image_folder(damaged, image_shape=(1, 8, 8), lazy=True)
    position = [f.endswith("half.png") for f in pictures.filenames].index(True)
    assert len(pictures.images) == 4
    with pytest.raises(ValueError, match=r"half\.png, which is damaged"):
        pictures.images[position]
