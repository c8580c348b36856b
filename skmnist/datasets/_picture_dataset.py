"""Picture files as a torch data set that decodes them when they are asked for."""

from torch.utils.data import Dataset

from skmnist._picture_files import read_pixels


class PictureFiles(Dataset):
    """Picture files, read and resized one by one.

    Parameters
    ----------
    filenames : list of str
    image_shape : tuple (channels, height, width)
        Shape of the images, with 1 or 3 channels.
    """

    def __init__(self, filenames, image_shape):
        self.filenames = filenames
        self.image_shape = image_shape

    def __len__(self):
        return len(self.filenames)

    def __getitem__(self, position):
        path = self.filenames[position]
        return read_pixels(path, path, self.image_shape)
