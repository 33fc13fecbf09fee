"""Our own image: when it is built anew, and on which base."""

import http.server
import threading

import pytest
from clusterlib.images import base, steward

REFERENCE = "ghcr.io/steward-dev/steward:1.0.0"


@pytest.fixture
def checkout(tmp_path):
    """The least that an image is made of."""
    (tmp_path / "app" / "steward").mkdir(parents=True)
    (tmp_path / "app" / "steward" / "main.py").write_text("print()")
    (tmp_path / "app" / "requirements.lock").write_text("click==1")
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    (tmp_path / ".dockerignore").write_text("*\n!app/requirements.lock\n!app/steward\n**/__pycache__\n")
    return tmp_path


@pytest.mark.parametrize("file", ["app/steward/main.py", "app/steward/new.py", "app/requirements.lock", "Dockerfile", ".dockerignore"])
def test_what_goes_into_the_image_makes_another(checkout, file):
    before = steward.context_hash(checkout, REFERENCE)
    with (checkout / file).open("a") as changed:
        changed.write("\n# changed")
    assert steward.context_hash(checkout, REFERENCE) != before


@pytest.mark.parametrize("file", ["README.md", "app/notes.txt", "app/steward/__pycache__/main.pyc"])
def test_what_the_builder_is_not_sent_makes_none(checkout, file):
    before = steward.context_hash(checkout, REFERENCE)
    (checkout / file).parent.mkdir(exist_ok=True)
    (checkout / file).write_text("anything")
    assert steward.context_hash(checkout, REFERENCE) == before


def test_another_version_makes_another(checkout):
    assert steward.context_hash(checkout, REFERENCE) != steward.context_hash(checkout, REFERENCE.replace("1.0.0", "1.0.1"))


@pytest.mark.parametrize(
    ("code", "headers", "answers"),
    [
        (401, {"WWW-Authenticate": 'Bearer realm="https://auth.example.test/token"'}, True),
        (200, {}, True),
        (401, {"WWW-Authenticate": 'Basic realm="proxy"'}, False),
        (403, {}, False),
        (503, {}, False),
    ],
    ids=["asks for a token", "open", "a proxy that wants a password", "a proxy that forbids", "down"],
)
def test_only_what_speaks_like_a_registry_is_one(monkeypatch, code, headers, answers):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(code)
            for name, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(base, "_REGISTRY", f"http://127.0.0.1:{server.server_port}/v2/")
        try:
            assert base.registry_answers() is answers
        finally:
            server.shutdown()
            thread.join()


def test_no_answer_is_no_registry(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(base, "_REGISTRY", "http://127.0.0.1:1/v2/")
    assert not base.registry_answers()
