"""skorch callbacks: learning rate schedule, early stopping, training checkpoint."""

from skmnist.callbacks._early_stopping import EarlyStopping, StopTraining
from skmnist.callbacks._one_cycle_lr import OneCycleLR
from skmnist.callbacks._training_checkpoint import TrainingCheckpoint

__all__ = ["EarlyStopping", "OneCycleLR", "StopTraining", "TrainingCheckpoint"]
