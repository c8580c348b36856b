"""A page to draw digits on, read by a trained network; what `skmnist demo` serves."""

try:
    from skmnist.demo._server import make_app, serve
except ModuleNotFoundError as error:
    if error.name not in ("starlette", "uvicorn", "PIL"):
        raise
    raise ImportError(
        f"The demo needs the package {error.name}. Install what it needs: "
        "pip install pillow scikit-image starlette uvicorn."
    ) from error

__all__ = ["make_app", "serve"]
