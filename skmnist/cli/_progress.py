"""Progress of a training in the terminal."""

from skorch.callbacks import ProgressBar
from tqdm import tqdm


class TrainingProgress(ProgressBar):
    """One progress bar for the whole training, and a line for each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.pbar_ = None

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        if self.pbar_ is None:
            n_batches = len(net.get_iterator(dataset_train, training=True))
            self.pbar_ = tqdm(
                initial=(len(net.history) - 1) * n_batches,
                total=net.max_epochs * n_batches,
                unit="batch",
                leave=False,
                disable=None,  # no bar unless the output is a terminal
            )

    def on_epoch_end(self, net, **kwargs):
        epoch = net.history[-1]
        tqdm.write(
            f"  epoch {epoch['epoch']:2}/{net.max_epochs}   "
            f"loss {epoch['train_loss']:.4f}   "
            f"training accuracy {epoch['train_acc']:7.2%}   {epoch['dur']:5.1f} s"
        )

    def on_train_end(self, net, **kwargs):
        if self.pbar_ is not None:
            self.pbar_.close()
