"""The demo's server: who may ask, what is refused, that it bears a crowd and goes on serving, and how it ends."""

import contextlib
import json
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from command import environment
from demo import tiny
from starlette.testclient import TestClient

from arzhang import cli, recipes
from arzhang.demo import gradients, models, requests, server
from arzhang.demo.requests import Refused
from arzhang.errors import ArzhangError, UsageError

PNG, JSON = {"content-type": "image/png"}, {"content-type": "application/json"}
SIDE = tiny.SIDE
STATM = Path("/proc/self/statm")


@pytest.fixture(scope="module")
def what(tmp_path_factory):
    """A translator and a VAE without their data, and the explorer, on one page."""
    place, shape = tmp_path_factory.mktemp("models"), (3, SIDE, SIDE)
    gone = str(place / "gone")
    painter = recipes.Pix2Pix(data=gone, size=SIDE, width=2, receptive_field=16)
    coder = recipes.VAE(data=gone, latent_dim=3)
    panels = {}
    for path, recipe, facts in (("a", painter, {"input_shape": shape}), ("b", coder, {})):
        folder = tiny.publish(place / path, recipe, shape if facts else (1, SIDE, SIDE), **facts)
        panels |= models.shown(str(folder), notify=tiny.quiet).panels
    panels["gradients"] = gradients.Explorer("gradients", "")
    return models.Shown("test", panels)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<!doctype html><title>demo</title>")
    (folder / "main.js").write_text("export const x = 1;")
    return folder


@pytest.fixture(scope="module")
def client(what, page):
    return TestClient(server.application(what, notify=pytest.fail, page=page), "http://localhost:7860")


def drawn(side=SIDE):
    return tiny.png(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def says(width, height, depth=8, colour=2, body=b""):
    """A PNG that claims a size, whatever it holds."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


# -------------------------------------------------------------------------------------------------------- who may ask


def test_the_page_and_what_its_answers_forbid(client):
    for path, kind in (("/", "text/html"), ("/main.js", "text/javascript"), ("/api/about", "application/json")):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy  # no other host
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert "server" not in client.get("/").headers


@pytest.mark.parametrize("path", ["/nothing", "/api/nothing", "/%2e%2e/server.py", "/api/maps/0", "/api/maps/x"])
def test_what_is_not_there(client, path):
    answer = client.get(path)
    assert answer.status_code in (400, 404)
    assert "server.py" not in answer.text or answer.json()["error"]
    assert answer.json().keys() == {"error"}


def test_other_methods(client):
    assert client.get("/api/translate").status_code == 404
    assert client.post("/api/about").status_code == 405
    assert client.options("/api/translate", headers={"origin": "http://evil.example"}).status_code == 403


OWN = {"host": "localhost:7860"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:7860"}, 200),
        ({"host": "[::1]:7860"}, 200),
        ({"host": "192.168.1.20"}, 200),
        ({"host": socket.gethostname()}, 200),
        ({"host": "LOCALHOST:7860", "origin": "http://localhost:7860"}, 200),
        ({"host": "evil.example:7860"}, 403),
        ({"host": "localhost.evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "localhost:7860@evil.example"}, 403),
        ({"host": ""}, 403),
        ({"host": "[::1"}, 403),
        ({**OWN, "origin": "http://localhost:7860", "sec-fetch-site": "same-origin"}, 200),
        ({**OWN, "origin": "http://evil.example"}, 403),
        ({**OWN, "origin": "http://localhost:8000"}, 403),
        ({**OWN, "origin": "null"}, 403),
        ({**OWN, "origin": ""}, 403),
        ({**OWN, "sec-fetch-site": "cross-site"}, 403),
        ({**OWN, "sec-fetch-site": "same-site"}, 403),
        ({**OWN, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 403),
    ],
)
def test_only_our_own_page_may_post(client, headers, status):
    answer = client.post("/api/sample", json={"count": 1}, headers=headers)
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json().keys() == {"error"}
    crossing = {"sec-fetch-mode": "no-cors", **headers}
    assert client.get("/api/about", headers=crossing).status_code == (status if "mode" not in str(headers) else 200)


def test_a_link_may_be_followed(client):
    arriving = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=arriving).status_code == 200


def test_a_name_that_was_asked_for_is_ours(what, page):
    named = TestClient(server.application(what, "studio.example", page=page), "http://studio.example")
    assert named.get("/api/about").status_code == 200
    assert named.get("/api/about", headers={"host": "other.example"}).status_code == 403


# ------------------------------------------------------------------------------------------------- what they may send


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 415),
        (b"GIF89a" + bytes(100), 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        (requests.SIGNATURE, 415),
        (drawn()[:-100], 400),
        (drawn()[:45], 400),
        (drawn()[:60] + bytes(40), 400),
        (says(SIDE, SIDE), 400),
        (says(SIDE, SIDE, colour=5), 400),
        (says(SIDE, SIDE, depth=16), 415),
        (says(0, SIDE), 413),
        (says(50_000, 50_000, body=bytes(1 << 20)), 413),
        (says(2**31 - 1, 2**31 - 1), 413),
        (says(1025, 8), 413),
        (tiny.png(np.zeros((1024, 1024, 3), np.uint8)), 200),
        # twice a header, of which the second is large
        (drawn()[:33] + says(30_000, 30_000)[8:], 400),
        # text and a profile that unpack to 64 MiB
        (drawn()[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 26))) + drawn()[33:], 400),
        (drawn()[:33] + chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 26))) + drawn()[33:], (200, 400)),
    ],
    ids=lambda value: f"{len(value)}-bytes" if isinstance(value, bytes) else str(value),
)
def test_images_are_looked_at_before_they_are_decoded(client, body, status):
    for route in ("translate", "encode"):
        answer = client.post(f"/api/{route}", content=body, headers=PNG)
        assert answer.status_code in (status if isinstance(status, tuple) else (status,)), answer.text
        assert "Traceback" not in answer.text


def test_an_image_is_never_decoded_where_its_size_is_too_large(monkeypatch):
    monkeypatch.setattr(requests.Image, "open", lambda *_, **__: pytest.fail("decoded"))
    with pytest.raises(Refused, match="50000×50000"):
        requests.image(says(50_000, 50_000), 3)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"[1]", 400),
        (b"null", 400),
        (b"\xff\xfe\x00", 400),
        (b"[" * 500_000, 400),
        (b'{"a":' * 100_000, 400),
        (b'{"latents": [[0, 0, NaN]]}', 400),
        (b'{"latents": [[0, 0, Infinity]]}', 400),
        (b'{"latents": [[0, 0, 1e999]]}', 400),
        (b'{"latents": [[0, 0, 1e300]]}', 400),
        (b'{"latents": [[0, 0, 1001]]}', 400),
        (b'{"latents": [[0, 0, 1' + b"0" * 5_000 + b"]]}", 400),
        (b'{"latents": [[0, 0, 1' + b"0" * 400 + b"]]}", 400),
        (b'{"latents": [[0, 0, "1"]]}', 400),
        (b'{"latents": [[0, 0, true]]}', 400),
        (b'{"latents": [[0, 0]]}', 400),
        (b'{"latents": [[0, 0, 0], [0]]}', 400),
        (b'{"latents": [0, 0, 0]}', 400),
        (b'{"latents": []}', 400),
        (b'{"latents": {"0": 0}}', 400),
        (b"{}", 400),
        (json.dumps({"latents": [[0, 0, 0]] * 65}).encode(), 422),
        (json.dumps({"latents": [[0, 0, 0]], "member": "7"}).encode(), 422),
        (json.dumps({"latents": [[0, 0, 0]], "member": 0}).encode(), 400),
        (json.dumps({"latents": [[0, 0, 0]], "panel": "7"}).encode(), 404),
        (json.dumps({"latents": [[0, 0, 0]], "panel": {}}).encode(), 404),
        (json.dumps({"latents": [[1000, -1000, 1000]] * 64}).encode(), 200),
        (b" " * (1 << 20) + b"{}", 413),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else str(value),
)
def test_latents_are_checked(client, body, status):
    answer = client.post("/api/decode", content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json().keys() == {"error"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("seed=1", 200),
        ("seed=-1", 422),
        ("seed=1.5", 400),
        ("seed=", 400),
        ("seed=" + "9" * 30, 400),
        ("seed=٣", 400),
        ("dropout=2", 422),
        ("dropout=true", 400),
        ("direction=ba", 422),
        ("panel=none", 404),
        ("panel=vae", 404),
    ],
)
def test_queries_are_checked(client, query, status):
    assert client.post(f"/api/translate?{query}", content=drawn(), headers=PNG).status_code == status


def test_bodies_of_another_kind_or_size(client):
    assert client.post("/api/translate", content=drawn(), headers=JSON).status_code == 415
    assert client.post("/api/translate", content=drawn()).status_code == 415
    assert client.post("/api/decode", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    assert client.post("/api/translate", content=bytes((4 << 20) + 1), headers=PNG).status_code == 413

    told = client.post("/api/translate", content=b"", headers={**PNG, "content-length": str(10**15)})
    assert told.status_code == 413


def test_a_defect_is_told_here_and_not_there(what, page, monkeypatch):
    said = []
    own = TestClient(server.application(what, notify=said.append, page=page), "http://localhost")
    monkeypatch.setattr(models.Autoencoder, "sample", lambda *_: 1 / 0)
    answer = own.post("/api/sample", json={})
    assert (answer.status_code, answer.json()) == (500, {"error": "the model could not answer this"})
    assert said == ["sample: ZeroDivisionError: division by zero"]
    monkeypatch.setattr(models.Autoencoder, "sample", lambda *_: (_ for _ in ()).throw(MemoryError))
    assert own.post("/api/sample", json={}).status_code == 503


# ------------------------------------------------------------------------------------------------------ a real server


class Served:
    """A server in a thread, on a port of the loopback."""

    def __init__(self, app):
        self.listener = server.listening("127.0.0.1", 0)
        self.address = self.listener.getsockname()
        self.server = server.server(app)
        self.thread = threading.Thread(target=self.server.run, args=[[self.listener]])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()

    def connect(self):
        return socket.create_connection(self.address, timeout=20)

    def ask(self, path, body=b"", **headers):
        """One request on a connection of its own: status and body."""
        with self.connect() as one:
            one.sendall(request(path, body, **headers))
            return answered(one)


def request(path, body=b"", **headers):
    length = {} if "transfer_encoding" in headers else {"content-length": len(body)}
    told = {"host": "127.0.0.1", "connection": "close", **length}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{'POST' if 'content_type' in headers else 'GET'} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in told.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def answered(one):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while part := one.recv(1 << 16):
            data += part
    if not data:
        return 0, b""
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.fixture
def served(what, page, monkeypatch):
    monkeypatch.setattr(server, "PATIENCE", 3.0)
    with Served(server.application(what, notify=tiny.quiet, page=page)) as found:
        yield found


@pytest.fixture
def kept():
    """Takes what is to be closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda one: stack.enter_context(contextlib.closing(one))


def memory():
    """MiB of this process."""
    return int(STATM.read_text().split()[1]) * resource.getpagesize() / 2**20


@pytest.mark.skipif(not STATM.exists(), reason="memory is read from /proc")
def test_a_crowd_is_borne(served, kept):
    """Everything at once: slow headers, slow bodies, bombs, lies about length, strangers, floods. Memory stays, and
    afterwards the page is served as before."""
    first = served.ask("/api/translate?seed=1", drawn(), content_type="image/png")
    assert first[0] == 200
    before = memory()
    slow = [kept(served.connect()) for _ in range(60)]
    for i, one in enumerate(slow):
        one.sendall(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n" if i % 2 else b"P")
    bodies = [kept(served.connect()) for _ in range(12)]
    for one in bodies:
        one.sendall(request("/api/translate", content_type="image/png").replace(b"length: 0", b"length: 4000000"))
        one.sendall(b"\x89PNG")
    # Those who dribble keep nobody waiting.
    start = time.monotonic()
    assert served.ask("/")[0] == 200
    assert served.ask("/api/translate?seed=1", drawn(), content_type="image/png") == first
    assert time.monotonic() - start < server.PATIENCE, "nobody waits for those who are slow"
    bomb = says(40_000, 40_000, body=bytes(1 << 22))
    crowd = [
        lambda: served.ask("/api/translate", drawn(512), content_type="image/png"),
        lambda: served.ask("/api/decode", b'{"latents": [[0, 0, 1]]}', content_type="application/json"),
        lambda: served.ask("/api/translate", bomb, content_type="image/png"),
        lambda: served.ask("/api/decode", b"[" * 200_000, content_type="application/json"),
        lambda: served.ask("/api/translate", b"", content_type="image/png", content_length=10**15),
        lambda: served.ask("/api/sample", b"{}", content_type="application/json", origin="http://evil.example"),
        lambda: served.ask("/api/sample", b"{}", content_type="application/json", host="evil.example"),
        lambda: served.ask("/" + "a" * 100_000),
    ]
    found = [[] for _ in crowd]

    def rush(i):
        for j in range(6):
            k = (i + j) % len(crowd)
            found[k].append(crowd[k]()[0])

    threads = [threading.Thread(target=rush, args=[i]) for i in range(40)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    allowed = [{200, 429, 503}, {200, 429, 503}, {413, 429, 503}, {400, 429, 503}, {413}, {403}, {403}, {404}]
    for statuses, fine in zip(found, allowed, strict=True):
        assert statuses
        assert set(statuses) <= fine, statuses
    assert 200 in found[0] + found[1]
    assert {answered(one)[0] for one in bodies} == {408}
    assert {answered(one)[0] for one in slow} == {0}, "closed, for their requests never came"
    assert memory() - before < 200
    assert served.ask("/api/translate?seed=1", drawn(), content_type="image/png") == first


def test_a_body_without_a_length_ends_where_it_is_too_large(served):
    with served.connect() as one:
        one.sendall(request("/api/translate", content_type="image/png", transfer_encoding="chunked"))
        part = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
        with contextlib.suppress(ConnectionError):
            for _ in range(70):
                one.sendall(part)
        assert answered(one)[0] == 413


def test_more_than_a_few_are_turned_away_and_those_who_left_are_passed_over(served, kept, monkeypatch):
    going, worked = threading.Event(), []

    def slowly(self, values, body):
        worked.append(values["seed"])
        going.wait(10)
        return {"latents": []}

    monkeypatch.setattr(models.Autoencoder, "sample", slowly)
    ask = [json.dumps({"seed": i}).encode() for i in range(server.WAITING + 3)]
    lines = []
    for body in ask:
        lines.append(kept(served.connect()))
        lines[-1].sendall(request("/api/sample", body, content_type="application/json"))
        time.sleep(0.02)
    assert [answered(one)[0] for one in lines[server.WAITING :]] == [429] * 3
    for one in lines[1:4]:
        one.close()  # these pages have asked for something else
    time.sleep(0.1)
    going.set()
    rest = [lines[0], *lines[4 : server.WAITING]]
    assert [answered(one)[0] for one in rest] == [200] * len(rest)
    assert worked == [0, *range(4, server.WAITING)]


# -------------------------------------------------------------------------------------------------------- the command


def test_a_port_that_is_taken(capsys):
    with server.listening("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        with pytest.raises(ArzhangError, match=rf"--port {port} is taken on 127.0.0.1; --port \d+ is free"):
            server.listening("127.0.0.1", port)
        assert cli.main(["demo", "--port", str(port)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is free" in error


def test_where_it_listens():
    with server.listening("127.0.0.1", 0) as one:
        assert one.getsockname()[0] == "127.0.0.1"
    for host in ("no such host", "192.0.2.1", "x" * 300):
        with pytest.raises(UsageError, match="--host"):
            server.listening(host, 0)
    with pytest.raises(UsageError, match="0 to 65535"):
        server.listening("127.0.0.1", 65_536)


def test_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setattr(server.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["demo"]) == 2
    assert capsys.readouterr().err == "arzhang: demo: needs the extra: pip install 'arzhang[demo]'\n"


@pytest.fixture
def interruptible():
    """Whoever runs the tests in the background of a script has SIGINT ignored, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_it_ends_when_told(tmp_path):
    words = [sys.executable, "-m", "arzhang.cli", "demo", "--port", "0"]
    env = environment(ARZHANG_CACHE=str(tmp_path / "cache"))
    one = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        line = next(line for line in one.stdout if "http://" in line)
        port = int(line.split("127.0.0.1:")[1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as open_one:
            open_one.sendall(request("/api/about"))
            assert answered(open_one)[0] == 200
        with socket.create_connection(("127.0.0.1", port)):  # a line that is open keeps it not from ending
            one.send_signal(signal.SIGINT)
            _, error = one.communicate(timeout=120)
    finally:
        one.kill()
    assert one.returncode == 130, error
    assert error.endswith("arzhang: stopped\n")
