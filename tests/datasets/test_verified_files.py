"""Downloads: complete and checked, or nothing stays behind."""

import gc
import gzip
import hashlib
import socket
import socketserver
import tempfile
import threading
import time
from contextlib import contextmanager

import pytest
from small_files import serve_folder, use_small_files
from torchvision.datasets import MNIST

from skmnist.datasets import _verified_files, fetch_mnist
from skmnist.datasets._table import DATASETS

# torchvision leaves the sockets of failed requests to the garbage collector
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A data_home with small files, whose checksums replace those of MNIST."""
    use_small_files("mnist", tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture
def server(home, tmp_path_factory, monkeypatch):
    """The folder of a local server, to which the files in `home` were moved."""
    folder = tmp_path_factory.mktemp("mirror")
    resources = []
    for path in sorted((home / "MNIST" / "raw").iterdir()):
        compressed = gzip.compress(path.read_bytes())
        (folder / f"{path.name}.gz").write_bytes(compressed)
        resources.append((f"{path.name}.gz", hashlib.md5(compressed).hexdigest()))
        path.unlink()

    with serve_folder(folder) as url:
        monkeypatch.setattr(MNIST, "mirrors", [url])
        monkeypatch.setattr(MNIST, "resources", resources)
        yield folder


def list_files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_download(home, server, monkeypatch, capfd):
    with monkeypatch.context() as patch:
        # a file cannot be renamed to another file system
        patch.setattr(tempfile, "tempdir", str(home / "on another disk"))
        assert fetch_mnist(data_home=home).data.shape == (30, 784)
    files = {path.relative_to(home).as_posix() for path in list_files(home)}
    assert files == set(DATASETS["mnist"].files)
    for path in server.iterdir():
        path.unlink()
    assert fetch_mnist(data_home=home, subset="test").data.shape == (20, 784)


@pytest.fixture
def socket_timeout():
    """A default timeout of sockets that the application has set."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(77)
    yield 77
    socket.setdefaulttimeout(before)


@pytest.mark.parametrize("fails", [False, True])
def test_socket_timeout_is_restored(
    home, server, socket_timeout, monkeypatch, capfd, fails
):
    during = []

    def download(self):
        during.append(socket.getdefaulttimeout())
        if fails:
            raise RuntimeError("cut off")
        original(self)

    original = MNIST.download
    monkeypatch.setattr(MNIST, "download", download)
    if fails:
        with pytest.raises(OSError, match="cut off"):
            fetch_mnist(data_home=home)
    else:
        fetch_mnist(data_home=home)
    assert during == [_verified_files.TIMEOUT]
    assert socket.getdefaulttimeout() == socket_timeout


def test_socket_timeout_is_restored_after_two_threads(socket_timeout, tmp_path):
    """The second thread does not restore the timeout that the first one has set."""
    downloading, finish_first, finish_second = (threading.Event() for _ in range(3))

    def first(root):
        downloading.set()
        finish_first.wait()

    def second(root):
        finish_second.wait()

    threads = [
        threading.Thread(target=_verified_files.download, args=(dataset, tmp_path, {}))
        for dataset in (first, second)
    ]
    threads[0].start()
    downloading.wait()
    threads[1].start()
    time.sleep(0.2)  # without the lock, the second download would begin here
    finish_first.set()
    threads[0].join()
    finish_second.set()
    threads[1].join()
    assert socket.getdefaulttimeout() == socket_timeout


@pytest.mark.parametrize("damage", ["gone", "cut", "another"])
def test_download_of_wrong_files(home, server, damage, monkeypatch, capfd):
    path = server / "t10k-labels-idx1-ubyte.gz"
    compressed = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(compressed[:-5])
    else:  # a complete archive with the MD5 checksum that torchvision expects
        path.write_bytes(gzip.compress(b"something else"))
        sums = dict(MNIST.resources)
        sums[path.name] = hashlib.md5(path.read_bytes()).hexdigest()
        monkeypatch.setattr(MNIST, "resources", list(sums.items()))
    with pytest.raises(OSError, match=r"MNIST was not found.*download failed"):
        fetch_mnist(data_home=home)
    gc.collect()
    assert list_files(home) == []


def test_no_network(home, monkeypatch):
    (home / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(
        OSError, match=r"(?s)download failed.*127\.0\.0\.1:9.*load_mnist_sample"
    ) as info:
        fetch_mnist(data_home=home)
    assert str(home) in str(info.value)
    assert len(list_files(home)) == 3


@contextmanager
def serve(answer):
    """Run a server that sends `answer` and then leaves the connection open."""
    finished = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(answer)
            finished.wait()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        finished.set()
        server.shutdown()


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nbegin", b"no HTTP\r\n\r\n"],
    ids=["silent", "stops in the middle", "another protocol"],
)
def test_server_that_does_not_answer_properly(home, answer, monkeypatch, capfd):
    (home / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    monkeypatch.setattr(_verified_files, "TIMEOUT", 1)
    with serve(answer) as url:
        monkeypatch.setattr(MNIST, "mirrors", [url])
        begin = time.monotonic()
        with pytest.raises(OSError, match=r"MNIST was not found.*download failed"):
            fetch_mnist(data_home=home)
        assert time.monotonic() - begin < 10
    gc.collect()
    assert len(list_files(home)) == 3


def test_timeout_is_less_than_a_minute():
    assert _verified_files.TIMEOUT < 60
