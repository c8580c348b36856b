"""The page, and the answers to it, for this machine and nobody else.

Any web page that is open in the same browser can reach the loopback address too. Hence
the names that the Host header may have, which keep out pages whose own name was pointed
here (DNS rebinding); the Origin of what is posted; and the content security policy.
"""

import asyncio
import contextlib
import hashlib
import html
import io
import json
import os
import re
import socket
import warnings
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import numpy as np
import uvicorn
from sklearn.utils.validation import check_is_fitted
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from skmnist.classifiers._mnist_cnn import MnistCNNClassifier
from skmnist.cli._reading import check_reads_frames
from skmnist.preprocessing import DigitPreprocessor
from skmnist.preprocessing._segmentation import FRAME

HOST = "127.0.0.1"
NAMES = [HOST, "localhost"]
LIMIT = 20_000_000
"""Bytes of a picture."""


def make_app(clf, preprocessor=None):
    """Make the web application of the page.

    Parameters
    ----------
    clf : MnistCNNClassifier
        A fitted one, on images of 28x28 pixels from 0 to 255 with one channel.
    preprocessor : transformer, default=None
        Turns a list of one open file into an array (1, 784) of uint8. None stands for
        :class:`skmnist.preprocessing.DigitPreprocessor` with its defaults.

    Returns
    -------
    app : starlette.applications.Starlette
        Answers only requests that name this machine as 127.0.0.1 or localhost.

    Raises
    ------
    ValueError
        If the classifier is another one, or not fitted.
    """
    _check_classifier(clf)
    preprocessor = DigitPreprocessor() if preprocessor is None else preprocessor
    labels = [str(label) for label in clf.classes_.tolist()]
    page, policy = _make_page(labels)
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    # one after the other: warnings are caught for the whole process, and a second
    # prediction at the same time would only slow down the first
    worker = ThreadPoolExecutor(1, "skmnist-demo")

    def read(picture):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            image = np.asarray(preprocessor.transform([io.BytesIO(picture)]))
        return {
            "labels": labels,
            "probabilities": clf.predict_proba(image)[0].tolist(),
            "image": image.reshape(FRAME, FRAME).tolist(),
            "warnings": [
                _in_words(warning.message)
                for warning in caught
                if issubclass(warning.category, UserWarning)
            ],
        }

    async def show(request):
        return HTMLResponse(page, headers=headers)

    async def predict(request):
        def answer(content, status=200):
            return JSONResponse(content, status, headers)

        origin = request.headers.get("origin")
        if origin not in (None, f"http://{request.headers['host']}"):
            return answer({"error": f"The page {origin} may not ask here."}, 403)
        try:
            picture = await _receive(request)
            if picture is None:
                limit = f"{LIMIT // 1_000_000} MB"
                return answer({"error": f"The picture has more than {limit}."}, 413)
            loop = asyncio.get_running_loop()
            return answer(await loop.run_in_executor(worker, read, picture))
        except ClientDisconnect:
            return answer({"error": "The picture did not arrive."}, 400)
        except asyncio.CancelledError:  # uvicorn would print it, with a traceback
            return answer({"error": "The server has been stopped."}, 503)
        except (OSError, ValueError) as error:
            return answer({"error": _in_words(error)}, 400)

    return Starlette(
        routes=[Route("/", show), Route("/predict", predict, methods=["POST"])],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=NAMES, www_redirect=False)
        ],
    )


def serve(clf, port=8000, started=None):
    """Serve the page on this machine's loopback address, until Ctrl-C.

    Parameters
    ----------
    clf : MnistCNNClassifier
        A fitted one, on images of 28x28 pixels from 0 to 255 with one channel.
    port : int, default=8000
        Where to listen; 0 takes any port that is free.
    started : callable, default=None
        Called with the address, such as "http://127.0.0.1:8000/", once the page can be
        opened there.

    Raises
    ------
    OSError
        If the port is in use, or not for this user.
    ValueError
        If the classifier or the port is none to serve.
    """
    app = make_app(clf)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    with _listen(port) as listener:
        if started is not None:
            started(f"http://{HOST}:{listener.getsockname()[1]}/")
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _check_classifier(clf):
    """Raise ValueError for what cannot read images of 28x28 pixels from 0 to 255."""
    if not isinstance(clf, MnistCNNClassifier):
        raise ValueError(
            f"Got {type(clf).__name__}, expected a fitted MnistCNNClassifier. Of a "
            "pipeline or a search pass that part: pipeline[-1], search.best_estimator_."
        )
    check_is_fitted(clf)
    check_reads_frames(clf)


def _make_page(labels):
    """The page with its labels, and the policy that lets it do what it does."""
    page = files("skmnist.demo").joinpath("page.html").read_text(encoding="utf-8")
    policy = {
        "default-src": "'none'",
        "connect-src": "'self'",
        "img-src": "blob: data:",
        "style-src": _hash_of("style", page),
        "script-src": _hash_of("script", page),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    page = page.replace("{{limit}}", str(LIMIT))
    page = page.replace("{{labels}}", html.escape(json.dumps(labels)))
    return page, "; ".join(f"{name} {source}" for name, source in policy.items())


def _hash_of(tag, page):
    """What the policy calls the one element of this kind."""
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{b64encode(digest).decode()}'"


def _in_words(trouble):
    """What a transformer says of the first of its pictures, which is the only one."""
    return str(trouble).removeprefix("picture 0: ").replace("picture 0", "a file")


async def _receive(request):
    """What was posted; None if that is more than a picture may have."""
    picture = bytearray()
    async for chunk in request.stream():
        picture += chunk
        if len(picture) > LIMIT:
            return None
    return bytes(picture)


def _listen(port):
    """A socket on the loopback address."""
    if not 0 <= port <= 65535:
        raise ValueError(f"Got port={port!r}, expected one from 0 to 65535.")
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise OSError(
            f"Got port={port}, but nothing can listen there: "
            f"{os.strerror(error.errno)}. Name another port; 0 takes any that is free."
        ) from error
