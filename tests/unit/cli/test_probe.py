"""``steward probe`` against a real HTTP server."""

import http.server
import threading

import pytest

from steward.http.self_signed import SelfSigned


@pytest.fixture
def serve():
    """Serve answers one after the other, the last for ever; gives the URL."""
    servers = []

    def serve(*answers):
        left = list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/metrics"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_answer_with_the_text_is_0(steward, serve):
    url = serve((200, "steward_build_info 1"))
    code, out, err = steward("probe", url, "--expect", "steward_build_info")

    assert (0, "") == (code, err)
    assert out.startswith(f"{url} answered 200 after ")


def test_it_waits_until_the_answer_is_right(steward, serve):
    url = serve((503, "starting"), (200, "nothing yet"), (200, "steward_build_info 1"))

    assert 0 == steward("probe", url, "--expect", "steward_build_info")[0]


@pytest.mark.parametrize(
    ("answer", "last"),
    [((503, "starting"), "status 503"), ((200, "nothing"), 'status 200, but no "steward" in 7 characters'), ((204, ""), "status 204")],
    ids=["status", "text", "no-content"],
)
def test_an_answer_that_stays_wrong_is_1_and_says_the_last(steward, serve, answer, last):
    url = serve(answer)

    assert (1, "", f"steward: {url} did not answer as expected within 0.2 s; last: {last}\n") == steward(
        "probe", url, "--expect", "steward", "--timeout", "0.2"
    )


def test_nobody_there_is_1(steward, free_ports):
    code, _, err = steward("probe", f"http://127.0.0.1:{free_ports[0]}/", "--timeout", "0.2")

    assert 1 == code
    assert "Connection refused" in err


def test_a_proxy_of_the_environment_is_not_asked(steward, serve, free_ports, monkeypatch):
    """Names of the cluster mean nothing to it."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_ports[0]}")

    assert 0 == steward("probe", serve((200, "ok")), "--timeout", "1")[0]


@pytest.mark.parametrize(("asked", "code"), [("401", 0), ("200", 1)])
def test_a_refusal_may_be_what_is_expected(steward, serve, asked, code):
    assert code == steward("probe", serve((401, "")), "--status", asked, "--timeout", "0.2")[0]


@pytest.mark.parametrize(("flags", "code"), [(("--insecure-skip-tls-verify",), 0), ((), 1)], ids=["insecure", "checked"])
def test_a_certificate_that_nobody_vouches_for_is_taken_only_when_told(steward, flags, code):
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.socket = SelfSigned().context().wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    # The handler knows no GET: 501, over TLS.
    assert code == steward("probe", f"https://127.0.0.1:{server.server_port}/", "--status", "501", "--timeout", "1", *flags)[0]
    server.shutdown()
    server.server_close()
