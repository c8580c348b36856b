"""The page to draw digits on: its server, and the page in a real browser."""

import contextlib
import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from starlette.testclient import TestClient

import skmnist
from skmnist import MnistCNNClassifier, NonDigitDetector
from skmnist.datasets import load_mnist_sample
from skmnist.demo import make_app, serve
from skmnist.demo._server import MAX_BYTES
from skmnist.preprocessing import DigitPreprocessor, PreprocessedDigit

ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def clf():
    """A classifier that reads the digits drawn in these tests."""
    X, y = load_mnist_sample(subset="train", return_X_y=True)
    return MnistCNNClassifier.with_digits_recipe(max_epochs=10, random_state=0).fit(
        X, y
    )


@pytest.fixture(scope="module")
def client(clf):
    return TestClient(make_app(clf), base_url=ADDRESS)


def picture_of_seven(kind="PNG", size=(300, 300)):
    """The bytes of a file with a seven."""
    image = Image.new("RGB", size, "white")
    width, height = size
    stroke = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.8)]
    points = [(x * width, y * height) for x, y in stroke]
    ImageDraw.Draw(image).line(points, "black", min(size) // 14, joint="curve")
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


# The server --------------------------------------------------------------------------


def test_answer(client, clf):
    response = client.post("/predict", content=picture_of_seven())
    assert response.status_code == 200
    answer = response.json()
    assert answer["labels"] == [str(digit) for digit in range(10)]
    (digit,) = answer["digits"]
    assert np.argmax(digit["probabilities"]) == 7
    assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-5)
    image = np.array(digit["image"], np.uint8)
    assert image.shape == (28, 28)
    expected = clf.predict_proba(image.reshape(1, -1))[0]
    np.testing.assert_allclose(digit["probabilities"], expected, atol=1e-6)
    left, top, right, bottom = digit["box"]
    assert 60 < left < 80 < 220 < right < 240
    assert 45 < top < 65 < 235 < bottom < 255
    assert answer["warnings"] == []


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "WEBP"])
def test_kinds_of_files(client, kind):
    answer = client.post("/predict", content=picture_of_seven(kind)).json()
    (digit,) = answer["digits"]
    assert np.argmax(digit["probabilities"]) == 7


def test_quality_warnings(client):
    file = io.BytesIO()
    Image.new("L", (100, 100), 255).save(file, "PNG")
    response = client.post("/predict", content=file.getvalue())
    assert response.status_code == 200
    assert response.json()["digits"] == []
    (warning,) = response.json()["warnings"]
    assert warning.startswith("No digits found. Use a picture")


def test_any_transformer_as_preprocessor(clf):
    expected = TestClient(make_app(clf, DigitPreprocessor()), base_url=ADDRESS)
    pipeline = make_pipeline(DigitPreprocessor(), FunctionTransformer())
    client = TestClient(make_app(clf, pipeline), base_url=ADDRESS)
    answers = [
        client.post("/predict", content=picture_of_seven()).json()
        for client in (client, expected)
    ]
    assert answers[0] == answers[1]


def test_concurrent_pictures_are_processed_one_by_one(clf):
    """And each response has the warnings of its own picture."""

    class Slow:
        running = most = 0

        def preprocess(self, picture):
            self.running += 1
            self.most = max(self.most, self.running)
            text = picture.read().decode()
            time.sleep(0.01)  # for the other requests to arrive
            self.running -= 1
            image = np.zeros((28, 28), np.uint8)
            return PreprocessedDigit(image, stages={}, quality_warnings=[text])

    preprocessor = Slow()
    client = TestClient(make_app(clf, preprocessor), base_url=ADDRESS)

    def ask(text):
        return client.post("/predict", content=text).json()["warnings"]

    texts = [f"picture {number}" for number in range(1, 41)]
    with ThreadPoolExecutor(8) as browsers:
        answers = list(browsers.map(ask, texts))
    assert answers == [[text] for text in texts]
    assert preprocessor.most == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        picture_of_seven()[:200],
        picture_of_seven("JPEG")[:300],
        json.dumps({"image": []}).encode(),
    ],
    ids=["empty", "text", "svg", "half a PNG", "half a JPEG", "JSON"],
)
def test_uploads_that_are_not_pictures(client, body):
    response = client.post("/predict", content=body)
    assert response.status_code == 400
    assert len(response.json()["error"]) > 10
    assert response.json()["error"].startswith("Got the picture, which")


def test_uploads_that_are_too_large(client):
    response = client.post("/predict", content=bytes(MAX_BYTES + 1))
    assert response.status_code == 413
    assert "20 MB" in response.json()["error"]
    pieces = (bytes(1_000_000) for _ in range(21))  # without Content-Length
    assert client.post("/predict", content=pieces).status_code == 413
    assert client.post("/predict", content=bytes(MAX_BYTES)).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST"])
def test_allowed_hosts(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "0.0.0.0"]
)
def test_refused_hosts(client, host):
    for method, path in [("GET", "/"), ("POST", "/predict")]:
        response = client.request(method, path, headers={"Host": host})
        assert response.status_code == 400
        assert "Draw" not in response.text


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://127.0.0.1:8000",
        "http://127.0.0.1:8001",
        "http://localhost:8000",
        "null",
    ],
)
def test_uploads_from_other_pages_are_refused(client, origin):
    response = client.post(
        "/predict", content=picture_of_seven(), headers={"Origin": origin}
    )
    assert response.status_code == 403
    assert origin in response.json()["error"]
    assert "access-control-allow-origin" not in response.headers


def test_uploads_from_the_page_are_accepted(client):
    for host in ["127.0.0.1:8000", "localhost:8000"]:
        headers = {"Host": host, "Origin": f"http://{host}"}
        response = client.post("/predict", content=picture_of_seven(), headers=headers)
        assert response.status_code == 200


def test_headers(client):
    responses = [client.get("/"), client.post("/predict", content=picture_of_seven())]
    for response in responses:
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
    assert responses[0].headers["content-type"] == "text/html; charset=utf-8"


def test_other_methods_and_paths(client):
    assert client.get("/predict").status_code == 405
    assert client.post("/").status_code == 405
    assert client.get("/favicon.ico").status_code == 404


def test_labels_are_escaped_in_the_page(small, few):
    X, y = few
    names = np.array(['<b>"zero"</b>', "{{limit}}", "two & more", *"3456789"])
    clf = small().fit(X, names[y])
    client = TestClient(make_app(clf), base_url=ADDRESS)
    answer = client.post("/predict", content=picture_of_seven()).json()
    assert answer["labels"] == sorted(names)
    page = client.get("/").text
    assert "<b>" not in page
    assert page.count("{{limit}}") == 1


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda small, few, digits: "model.safetensors", "expected a fitted"),
        (lambda small, few, digits: small(), "not fitted"),
        (lambda small, few, digits: small().fit(*digits), r"\(1, 8, 8\)"),
        (lambda small, few, digits: small().fit(few[0] / 255, few[1]), "from 0 to 255"),
    ],
    ids=["a path", "not fitted", "8x8", "0 to 1"],
)
def test_bad_classifiers(small, few, digits, make, reason):
    clf = make(small, few, digits)
    for function in [make_app, serve]:
        with pytest.raises(ValueError, match=reason):
            function(clf)


def test_bad_pair_classifiers(clf):
    for function in (make_app, serve):
        with pytest.raises(ValueError, match=r"of images of shape \(1, 28, 28\)"):
            function(clf, pair_classifier=clf)


def test_bad_detectors(clf):
    """The error comes before the page is served, not with the first picture."""
    for function in [make_app, serve]:
        with pytest.raises(TypeError, match="Got detector as a MnistCNNClassifier"):
            function(clf, detector=clf)
        with pytest.raises(NotFittedError):
            function(clf, detector=NonDigitDetector())


def test_bad_ports(clf):
    def started(address):
        raise AssertionError("the server started")

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"port={port}.*in use"):
            serve(clf, port, started)
    for port in [-1, 65536]:
        with pytest.raises(ValueError, match=f"port={port}"):
            serve(clf, port, started)


# The page, in a browser --------------------------------------------------------------

SERVER = """
import sys
import skmnist
from skmnist.demo import serve

clf = skmnist.load(sys.argv[1])
serve(clf, 0, started=lambda address: print(address, flush=True))
"""

STROKES = {
    "0": ["50 15, 32 25, 27 50, 33 75, 50 85, 67 75, 73 50, 68 25, 50 15"],
    "1": ["50 15, 50 85"],
    "2": ["29 32, 36 19, 52 15, 66 22, 68 36, 58 52, 30 84, 72 84"],
    "3": ["30 20, 48 14, 65 22, 64 38, 47 48, 66 58, 68 74, 50 86, 29 79"],
    "4": ["35 15, 30 55, 70 55", "66 15, 62 88"],
    "6": ["62 14, 42 30, 32 55, 34 76, 50 86, 66 77, 66 62, 52 53, 36 63"],
    "7": ["27 20, 73 20, 45 84"],
}
"""Strokes of each digit: points x y in percent of a square."""


@contextlib.contextmanager
def serving(clf, folder, expected=""):
    """Serve the page from another process; yield its address.

    `expected` is what the process prints to stderr at its end.
    """
    path = folder / "model.safetensors"
    skmnist.save(clf, path)
    command = [sys.executable, "-W", "error", "-c", SERVER, str(path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)  # as Ctrl-C does
        try:
            printed, complaints = process.communicate(timeout=30)
        finally:
            process.kill()  # if it does not end
    assert (process.returncode, printed, complaints) == (0, "", expected)


def test_open_uploads_do_not_delay_the_shutdown(clf, tmp_path):
    """Ctrl-C stops the server soon; it answers open uploads and prints no traceback."""
    note = "Cancel 2 running task(s), timeout graceful shutdown exceeded\n"
    with contextlib.ExitStack() as stack:
        with serving(clf, tmp_path, note) as address:
            host = address.removeprefix("http://").removesuffix("/")
            name, port = host.split(":")
            head = (
                f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n\r\n"
            )
            uploads = [
                stack.enter_context(socket.create_connection((name, int(port))))
                for _ in range(3)
            ]
            for upload in uploads:
                upload.sendall(head.encode() + b"begin")
            uploads[-1].sendall(b" end.")  # its response shows that all have arrived
            assert b" 400 " in uploads[-1].recv(10_000)
        for upload in uploads[:-1]:
            assert b" 503 " in upload.recv(10_000)


@pytest.fixture(scope="module")
def address(clf, tmp_path_factory):
    with serving(clf, tmp_path_factory.mktemp("demo")) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    reason = "the package playwright is not installed"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    names = ["chromium", "chromium-browser", "google-chrome"]
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip(f"none of the browsers is installed: {', '.join(names)}")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=program, args=["--no-sandbox"], headless=True
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Open the page; check that it logs no errors and contacts no other server."""
    contexts, requests, complaints = [], [], []

    def make(**options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.complaints = complaints
        page.goto(address)
        return page

    yield make
    for context in contexts:
        context.close()
    assert set(requests) <= {address, f"{address}predict"}
    assert complaints == []


def on_paper(page, stroke, left=0.25, side=1.0):
    """The points of a stroke in pixels of the window.

    The digit is in a square with this left edge, relative to the width of the paper,
    and this side, relative to its height.
    """
    box = page.locator("#paper").bounding_box()
    points = np.array([point.split() for point in stroke.split(",")], float) / 100
    corner = box["x"] + left * box["width"], box["y"] + (1 - side) / 2 * box["height"]
    return [tuple(corner + side * box["height"] * point) for point in points]


def draw(page, strokes, **place):
    for stroke in strokes:
        first, *others = on_paper(page, stroke, **place)
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point, steps=5)
        page.mouse.up()


def wait_for_winner(page, label):
    page.wait_for_function(
        "label => document.getElementById('winner').textContent === label", arg=label
    )


def wait_for_any_answer(page):
    page.wait_for_function("() => document.getElementById('winner').textContent !== ''")


def percents(page):
    """The numbers beside the bars."""
    texts = page.locator("#bars .percent").all_inner_texts()
    return [float(text.removesuffix(" %")) for text in texts if text]


@pytest.mark.parametrize("digit", STROKES)
def test_draw(open_page, digit):
    page = open_page()
    draw(page, STROKES[digit])
    from playwright.sync_api import expect  # open_page skips without it

    # wait for each: predictions for parts of the stroke may arrive before
    expect(page.locator("#verdict")).to_have_text(re.compile(rf"Prediction\s+{digit}"))
    expect(page.locator("#bars .best .label")).to_have_text([digit])
    assert len(percents(page)) == 10


def test_draw_several_digits(open_page):
    page = open_page()
    for digit in ["7", "0", "3"]:
        draw(page, STROKES[digit])
        wait_for_winner(page, digit)
        page.get_by_role("button", name="Clear").click()
        wait_for_winner(page, "")


def test_draw_a_number(open_page):
    page = open_page()
    for i, digit in enumerate("40712"):
        draw(page, STROKES[digit], left=0.02 + 0.19 * i, side=0.4)
    wait_for_winner(page, "40712")
    for i, digit in enumerate("40712"):  # a click shows the probabilities of a digit
        button = page.locator("#winner button").nth(i)
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        assert page.locator("#winner [aria-pressed=true]").count() == 1
        assert page.locator("#bars .best .label").inner_text() == digit
    assert count_marked(page) > 500
    page.get_by_role("button", name="Clear").click()
    wait_for_winner(page, "")
    assert count_marked(page) == 0


def test_draw_a_number_with_a_finger_on_a_phone(open_page):
    page, touch = open_on_a_phone(open_page)
    for i, digit in enumerate("40712"):
        for stroke in STROKES[digit]:
            points = on_paper(page, stroke, left=0.02 + 0.19 * i, side=0.4)
            touch("touchStart", points[0])
            draw_by_touch(touch, points)
    wait_for_winner(page, "40712")
    assert count_marked(page) > 100
    button = page.locator("#winner button").nth(3)
    button.tap()
    assert page.locator("#bars .best .label").inner_text() == "1"
    assert page.evaluate("[scrollX, scrollY]") == [0, 0]


def count_marked(page):
    """Count the pixels of the boxes around the digits."""
    return page.evaluate(
        """() => {
            const boxes = document.getElementById("boxes");
            const copy = new OffscreenCanvas(boxes.width, boxes.height);
            const pen = copy.getContext("2d", { willReadFrequently: true });
            pen.drawImage(boxes, 0, 0);
            const { data } = pen.getImageData(0, 0, copy.width, copy.height);
            return data.filter((alpha, i) => i % 4 === 3 && alpha > 0).length;
        }"""
    )


def test_choose_a_picture_of_several_rows(open_page, tmp_path):
    page = open_page()
    Image.new("L", (900, 900), 255).save(tmp_path / "rows.png")
    with Image.open(tmp_path / "rows.png") as sheet:
        seven = Image.open(io.BytesIO(picture_of_seven(size=(200, 200)))).convert("L")
        for place in [(100, 100), (400, 100), (100, 500), (400, 500), (650, 500)]:
            sheet.paste(seven, place)
        sheet.save(tmp_path / "rows.png")
    page.set_input_files("#file", tmp_path / "rows.png")
    wait_for_winner(page, "77\n777")
    assert count_marked(page) > 500
    draw(page, STROKES["1"])
    wait_for_winner(page, "1")
    assert count_marked(page) == 0


def test_bars_follow_the_stroke(open_page):
    page = open_page()
    (stroke,) = STROKES["7"]
    corner = on_paper(page, stroke)
    page.mouse.move(*corner[0])
    page.mouse.down()
    wait_for_any_answer(page)
    page.mouse.move(*corner[1], steps=10)
    page.wait_for_function(
        "() => !['', '7'].includes(document.getElementById('winner').textContent)"
    )
    page.mouse.move(*corner[2], steps=10)
    wait_for_winner(page, "7")  # the button is still down
    page.mouse.up()


def test_one_request_at_a_time(open_page):
    page = open_page()
    page.evaluate(
        """() => {
            const ask = fetch;
            Object.assign(window, { running: 0, most: 0, all: 0 });
            window.fetch = async (...parts) => {
                window.all += 1;
                window.most = Math.max(window.most, ++window.running);
                const response = await ask(...parts);
                await new Promise((done) => setTimeout(done, 50));
                window.running -= 1;
                return response;
            };
        }"""
    )
    draw(page, STROKES["3"])
    wait_for_winner(page, "3")
    assert page.evaluate("most") == 1
    assert 1 < page.evaluate("all") < 40  # of 42 moves and clicks
    page.wait_for_function("() => running === 0")


def test_a_click_is_a_dot(open_page):
    page = open_page()
    page.locator("#paper").click(position={"x": 100, "y": 100})
    wait_for_any_answer(page)
    dark = page.evaluate(
        """() => {
            const paper = document.getElementById("paper");
            const { data } = paper.getContext("2d").getImageData(
                0, 0, paper.width, paper.height);
            return data.filter((grey, i) => i % 4 === 0 && grey < 128).length;
        }"""
    )
    width = 0.07 * page.evaluate("document.getElementById('paper').height")
    assert dark == pytest.approx(np.pi / 4 * width**2, rel=0.05)


@pytest.mark.parametrize("key", ["Escape", "c", "button"])
def test_clear(open_page, key):
    page = open_page()
    assert percents(page) == []
    draw(page, STROKES["1"])
    wait_for_winner(page, "1")
    if key == "button":
        page.get_by_role("button", name="Clear").click()
    else:
        page.keyboard.press(key)
    assert percents(page) == []
    assert page.locator("#winner").inner_text() == ""
    assert page.get_by_text("Draw here").is_visible()
    page.wait_for_timeout(300)  # no late response is shown
    assert percents(page) == []


def test_an_empty_paper_sends_no_request(open_page):
    page = open_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_role("button", name="Clear").click()
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert requests == []


def test_clear_ends_the_stroke(open_page):
    page = open_page()
    first, second, third = on_paper(page, STROKES["7"][0])
    page.mouse.move(*first)
    page.mouse.down()
    page.mouse.move(*second, steps=5)
    page.keyboard.press("Escape")
    page.mouse.move(*third, steps=5)
    page.wait_for_timeout(300)
    assert percents(page) == []
    page.mouse.up()
    draw(page, STROKES["1"])
    wait_for_winner(page, "1")


def open_on_a_phone(open_page):
    """Open the page on a small screen; return it, and a function that touches it."""
    size = {"width": 360, "height": 740}
    page = open_page(viewport=size, has_touch=True, is_mobile=True)
    fingers = page.context.new_cdp_session(page)

    def touch(kind, *points):
        points = [{"x": x, "y": y} for x, y in points]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return page, touch


def draw_by_touch(touch, points):
    before, *others = points
    for point in others:
        for part in (0.25, 0.5, 0.75, 1):
            touch("touchMove", np.array(before) + part * np.subtract(point, before))
        before = point
    touch("touchEnd")


def test_draw_with_a_finger_on_a_phone(open_page):
    page, touch = open_on_a_phone(open_page)
    (stroke,) = STROKES["2"]
    points = on_paper(page, stroke)
    touch("touchStart", points[0])
    wait_for_any_answer(page)
    draw_by_touch(touch, points)
    wait_for_winner(page, "2")
    assert page.evaluate("[scrollX, scrollY]") == [0, 0]
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    boxes = [
        locator.bounding_box()
        for name in ("#paper", "button", "#seen", "#bars li")
        for locator in page.locator(name).all()
    ]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 360 for box in boxes)
    assert max(box["y"] + box["height"] for box in boxes) <= 740


def test_choose_a_picture(open_page, tmp_path):
    page = open_page()
    for name, kind in [("seven.jpg", "JPEG"), ("seven.tif", "TIFF")]:
        path = tmp_path / name  # browsers do not show TIFF, but the server reads it
        path.write_bytes(picture_of_seven(kind, (600, 400)))
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a picture").click()
        chooser.value.set_files(path)
        wait_for_winner(page, "7")
        page.keyboard.press("Escape")
        wait_for_winner(page, "")


def test_drop_a_picture_and_draw_after_it(open_page):
    page = open_page()
    dropped = """picture => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(picture)], "seven.png"));
        const options = { dataTransfer: data, bubbles: true, cancelable: true };
        document.body.dispatchEvent(new DragEvent("drop", options));
    }"""
    page.evaluate(dropped, list(picture_of_seven()))
    wait_for_winner(page, "7")
    shown = """() => {
        const paper = document.getElementById("paper");
        const point = [0.425 * paper.width, 0.2 * paper.height];
        return paper.getContext("2d").getImageData(...point, 1, 1).data[0];
    }"""
    assert page.evaluate(shown) < 128
    draw(page, STROKES["1"])
    wait_for_winner(page, "1")
    assert page.evaluate(shown) == 255  # on an empty paper


def test_warnings_and_errors_on_the_page(open_page, tmp_path):
    page = open_page()
    note = page.locator("#note")
    nothing = tmp_path / "nothing.png"
    Image.new("L", (100, 100), 255).save(nothing)
    page.set_input_files("#file", nothing)
    page.get_by_text("No digits found").wait_for()
    assert percents(page) == []
    (tmp_path / "large.png").write_bytes(bytes(MAX_BYTES + 1))
    page.set_input_files("#file", tmp_path / "large.png")
    page.get_by_text("larger than 20 MB").wait_for()
    page.get_by_role("button", name="Clear").click()
    assert note.inner_text() == ""
    assert page.complaints == []

    (tmp_path / "text.png").write_text("not a picture")
    page.set_input_files("#file", tmp_path / "text.png")
    page.get_by_text("cannot be read as an image").wait_for()
    page.context.set_offline(True)
    draw(page, STROKES["1"])
    page.get_by_text("The server does not answer").wait_for()
    assert percents(page) == []
    page.context.set_offline(False)
    page.get_by_role("button", name="Clear").click()
    draw(page, STROKES["1"])
    wait_for_winner(page, "1")
    assert note.inner_text() == ""
    # Chromium logs error responses
    assert all("Failed to load resource" in text for text in page.complaints)
    page.complaints.clear()


def test_labels_are_text(browser, small, few, tmp_path):
    X, y = few
    names = np.array([f"<i>class</i> & {'long' * 8} {digit}" for digit in range(12)])
    clf = small().fit(X, names[y + 2 * (np.arange(len(y)) % 2)])
    with serving(clf, tmp_path) as address:
        page = browser.new_page(viewport={"width": 360, "height": 740})
        page.goto(address)
        draw(page, STROKES["1"])
        wait_for_any_answer(page)
        shown = page.locator("#bars .label").all_inner_texts()
        assert shown == clf.classes_.tolist()
        assert page.locator("#winner").inner_text() in shown
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.close()
