"""Models as files that cannot execute code, and as ONNX files."""

from skmnist.model_files._onnx import to_onnx
from skmnist.model_files._save_and_load import load, save

__all__ = ["load", "save", "to_onnx"]
