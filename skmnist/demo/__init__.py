"""The page of `skmnist demo`: draw a digit, and a trained network reads it."""

try:
    from skmnist.demo._server import make_app, serve
except ModuleNotFoundError as error:
    if error.name not in ("starlette", "uvicorn", "PIL"):
        raise
    raise ImportError(
        f"The demo needs the package {error.name}. Install its requirements: "
        "pip install pillow scikit-image starlette uvicorn."
    ) from error

__all__ = ["make_app", "serve"]
