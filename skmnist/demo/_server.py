"""The server of the page: answers requests from this machine only.

Any web page open in the same browser can send requests to the loopback address, too.
Three checks keep them out: the names allowed in the Host header (against DNS
rebinding), the Origin of each upload, and the content security policy.
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

from skmnist._centering import CANVAS_SIZE
from skmnist.classifiers import ImageClassifier
from skmnist.preprocessing._model_check import check_classifier
from skmnist.preprocessing._pair_reading import check_pair_classifier
from skmnist.reading import Reading, check_detector, read

HOST = "127.0.0.1"
ALLOWED_HOSTS = [HOST, "localhost"]
MAX_BYTES = 20_000_000
"""Largest size of an uploaded picture."""


def make_app(clf, preprocessor=None, *, pair_classifier=None, detector=None):
    """Create the web application of the page.

    Parameters
    ----------
    clf : MnistCNNClassifier
        A fitted classifier of images of 28x28 pixels from 0 to 255 with one channel.
    preprocessor : transformer, default=None
        None reads all digits of a picture, see :func:`skmnist.read`. A transformer
        converts each picture to the image of one digit: by its method `preprocess`, if
        it has one such as that of :class:`skmnist.preprocessing.DigitPreprocessor`,
        and the page shows the quality warnings, too; otherwise by `transform`, from a
        list of one open file to an array of shape (1, 784).
    pair_classifier : classifier, default=None
        Fitted classifier of touching digits, see :func:`skmnist.read`. Not used with a
        preprocessor.
    detector : NonDigitDetector, default=None
        Fitted detector, see :func:`skmnist.read`. Not used with a preprocessor.

    Returns
    -------
    starlette.applications.Starlette
        Answers only requests addressed to 127.0.0.1 or localhost.

    Raises
    ------
    ValueError
        If the classifier is of another kind or not fitted, or the pair classifier is
        for other images or labels.
    TypeError
        If the pair classifier or the detector is of another kind.
    """
    _check_classifier(clf)
    check_pair_classifier(pair_classifier, clf)
    check_detector(detector)
    labels = [str(label) for label in clf.classes_.tolist()]
    page, policy = _make_page(labels)
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    # One picture at a time: a prediction uses all cores, so concurrent ones would only
    # slow each other down. In a thread, so that the server keeps answering.
    worker = ThreadPoolExecutor(1, "skmnist-demo")

    def answer_for(picture):
        file = io.BytesIO(picture)
        if preprocessor is None:
            reading = read(
                file, clf, pair_classifier=pair_classifier, detector=detector
            )
        else:
            reading = _read_one_digit(file, clf, preprocessor)
        digits = [
            {
                "box": box,
                "row": row,
                "image": image,
                "probabilities": probabilities,
            }
            for box, row, image, probabilities in zip(
                reading.boxes.tolist(),
                reading.rows.tolist(),
                reading.images.tolist(),
                reading.probabilities.tolist(),
                strict=True,
            )
        ]
        return {"labels": labels, "digits": digits, "warnings": reading.doubts}

    async def show(request):
        return HTMLResponse(page, headers=headers)

    async def predict(request):
        def answer(content, status=200):
            return JSONResponse(content, status, headers)

        origin = request.headers.get("origin")
        if origin not in (None, f"http://{request.headers['host']}"):
            return answer({"error": f"Requests from {origin} are not allowed."}, 403)
        try:
            picture = await _receive(request)
            if picture is None:
                limit = f"{MAX_BYTES // 1_000_000} MB"
                return answer({"error": f"The picture is larger than {limit}."}, 413)
            loop = asyncio.get_running_loop()
            return answer(await loop.run_in_executor(worker, answer_for, picture))
        except ClientDisconnect:
            return answer({"error": "The upload was interrupted."}, 400)
        except asyncio.CancelledError:  # uvicorn would print a traceback
            return answer({"error": "The server is shutting down."}, 503)
        except (OSError, ValueError) as error:
            return answer({"error": str(error)}, 400)

    return Starlette(
        routes=[Route("/", show), Route("/predict", predict, methods=["POST"])],
        middleware=[
            Middleware(
                TrustedHostMiddleware, allowed_hosts=ALLOWED_HOSTS, www_redirect=False
            )
        ],
    )


def serve(clf, port=8000, started=None, *, pair_classifier=None, detector=None):
    """Serve the page on the loopback address until Ctrl-C.

    Parameters
    ----------
    clf : MnistCNNClassifier
        A fitted classifier of images of 28x28 pixels from 0 to 255 with one channel.
    port : int, default=8000
        Port to listen on; 0 stands for any free port.
    started : callable, default=None
        Called with the address of the page, such as "http://127.0.0.1:8000/", as soon
        as it can be opened.
    pair_classifier : classifier, default=None
        Fitted classifier of touching digits, see :func:`skmnist.read`.
    detector : NonDigitDetector, default=None
        Fitted detector, see :func:`skmnist.read`: the page says what does not look like
        a digit.

    Raises
    ------
    OSError
        If the port is in use, or reserved for other users.
    ValueError
        If the classifier is of another kind or not fitted, the pair classifier is for
        other images or labels, or the port is invalid.
    """
    app = make_app(clf, pair_classifier=pair_classifier, detector=detector)
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
    """Raise ValueError unless clf reads images of 28x28 pixels from 0 to 255."""
    if not isinstance(clf, ImageClassifier):
        raise ValueError(
            f"Got {type(clf).__name__}, expected a fitted MnistCNNClassifier of "
            "digits, without other steps. Of a search, pass search.best_estimator_."
        )
    check_is_fitted(clf)
    check_classifier(clf)


def _read_one_digit(file, clf, preprocessor):
    """Read the picture of one digit, with a preprocessor of the user."""
    if hasattr(preprocessor, "preprocess"):
        result = preprocessor.preprocess(file)
        image, doubts = result.image, result.quality_warnings
    else:
        image, doubts = np.asarray(preprocessor.transform([file])), []
    n_digits = int(image.any())
    images = image.reshape(1, CANVAS_SIZE, CANVAS_SIZE)[:n_digits]
    probabilities = clf.predict_proba(image.reshape(1, -1))[:n_digits]
    return Reading(
        labels=clf.classes_[probabilities.argmax(axis=1)],
        probabilities=probabilities,
        classes=clf.classes_,
        boxes=np.zeros((n_digits, 4), np.int64),
        rows=np.zeros(n_digits, np.int64),
        images=images,
        doubts=doubts,
    )


def _make_page(labels):
    """Fill the labels into the page, and make its content security policy."""
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
    page = page.replace("{{limit}}", str(MAX_BYTES))
    page = page.replace("{{labels}}", html.escape(json.dumps(labels)))
    return page, "; ".join(f"{name} {source}" for name, source in policy.items())


def _hash_of(tag, page):
    """Compute the hash by which the policy allows the only element of this kind."""
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{b64encode(digest).decode()}'"


async def _receive(request):
    """Read the uploaded picture; None if it is larger than MAX_BYTES."""
    picture = bytearray()
    async for chunk in request.stream():
        picture += chunk
        if len(picture) > MAX_BYTES:
            return None
    return bytes(picture)


def _listen(port):
    """Open a socket on the loopback address."""
    if not 0 <= port <= 65535:
        raise ValueError(f"Got port={port!r}, expected 0 to 65535.")
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise OSError(
            f"Got port={port}, but the server cannot listen on it: "
            f"{os.strerror(error.errno)}. Choose another port; 0 is any free port."
        ) from error
