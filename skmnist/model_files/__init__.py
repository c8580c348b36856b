"""Models as files: one that can execute nothing, and ONNX for other programs."""

from skmnist.model_files._onnx import to_onnx
from skmnist.model_files._persistence import load, save

__all__ = ["load", "save", "to_onnx"]
