"""One reader's mistakes, floods and foreign pages are no matter to the others."""

import contextlib
import http.client
import json
import socket
import threading
import time

import pytest
import uvicorn
from tests.apps.play.test_messages import request
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from yolosses.apps.play import server
from yolosses.apps.play.server import make_app


@contextlib.contextmanager
def serving(tmp_path, scenes=None):
    """The port of a server that runs."""
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<title>playground</title>")
    listening = socket.create_server(("127.0.0.1", 0))
    app = make_app(page, "127.0.0.1", scenes)
    running = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="websockets-sansio"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    running.should_exit = True
    thread.join(10)


@pytest.fixture
def port(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    with serving(tmp_path) as port:
        yield port


def get(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


def live(port, **options):
    return connect(f"ws://127.0.0.1:{port}/live", **options)


def ask(talk, message):
    talk.send(message if isinstance(message, str) else json.dumps(message))
    return json.loads(talk.recv(timeout=20))


def send_without_end(talk):
    while True:
        talk.send("{}")


def test_the_page_is_served(port):
    assert get(port, "/") == (200, "<title>playground</title>")


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//secret.txt"])
def test_files_outside_the_page_are_not(port, path):
    assert get(port, path)[0] in (400, 404)


def test_a_bad_message_ends_nothing(port):
    with live(port) as talk:
        assert "error" in ask(talk, "{")
        assert "error" in ask(talk, {"id": 1, "do": "run", "graph": "v1-99-2"})
        talk.send(b"\x00\x01")
        assert "picture: expected" in json.loads(talk.recv(timeout=20))["error"]
        assert "total" in ask(talk, request())["outputs"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:1", "null", "http://localhost.evil.example"]
)
def test_pages_from_elsewhere_are_refused(port, origin):
    with pytest.raises(InvalidStatus), live(port, origin=origin):
        pass


def test_its_own_page_is_not(port):
    with live(port, origin=f"http://127.0.0.1:{port}") as talk:
        assert ask(talk, {"id": 1, "do": "capabilities"})["capabilities"]["training"] is True


def test_a_foreign_name_for_the_loopback_address_is_refused(port):
    assert get(port, "/", Host="evil.example")[0] == 400


def test_a_newer_request_takes_the_place_of_one_that_waits(port):
    with live(port) as talk:
        for number in range(30):
            talk.send(json.dumps({**request(), "id": number}))
        replies = {}
        while 29 not in replies:
            reply = json.loads(talk.recv(timeout=20))
            replies[reply["id"]] = reply
        assert "outputs" in replies[29]
        assert all("outputs" in reply or reply["error"] == "overtaken" for reply in replies.values())
        assert len(replies) == 30  # nobody waits forever


def test_a_reader_who_floods_is_cut_off_and_others_are_not(port, monkeypatch):
    monkeypatch.setattr(server, "A_SECOND", 5)
    monkeypatch.setattr(server, "PATIENCE", 50)
    with live(port) as other, contextlib.suppress(ConnectionClosed), live(port) as flood:
        with pytest.raises(ConnectionClosed):
            send_without_end(flood)
        assert "total" in ask(other, request())["outputs"]


def test_messages_in_one_get_a_reply_each(port):
    good = request()
    with live(port) as talk:
        bad = [{"do": "graph", "graph": "v99"}, {"do": "all", "messages": [good]}, {"do": "stop"}]
        got = ask(talk, {"id": 7, "do": "all", "messages": [good, *bad, good]})
        assert got["id"] == 7
        replies = got["replies"]
        assert replies[0] == replies[4] == {"outputs": ask(talk, good)["outputs"]}
        assert "graph: expected" in replies[1]["error"]
        assert "do: expected" in replies[2]["error"]
        assert "do: expected" in replies[3]["error"]


@pytest.mark.parametrize("messages", [None, {}, [], [3], [{"do": "capabilities"}] * 9])
def test_messages_in_one_are_a_few_objects(port, messages):
    with live(port) as talk:
        assert "messages: expected" in ask(talk, {"id": 7, "do": "all", "messages": messages})["error"]


TRAIN = {"id": 1, "do": "train", "settings": [{"lambda_coord": 5, "lambda_noobj": 0.5}], "minutes": 1}


def test_a_training_sends_its_lines_and_can_be_stopped(port):
    with live(port) as talk, live(port) as other:
        assert ask(talk, TRAIN) == {"id": 1, "training": "started"}
        assert "already" in ask(other, TRAIN)["error"]
        assert "total" in ask(other, request())["outputs"]
        line = json.loads(talk.recv(timeout=120))
        assert line["training"] == 0
        assert line["step"] > 0
        assert set(line["unweighted"]) == {"xy", "wh", "obj", "noobj", "cls"}
        assert set(line["measures"]) == {"precision", "recall"}
        talk.send(json.dumps({"id": 2, "do": "stop"}))
        while (reply := json.loads(talk.recv(timeout=20))).get("id") != 2:
            pass
        assert reply["training"] == "stopped"
        assert ask(other, TRAIN)["training"] == "started"


@pytest.mark.parametrize(
    "change",
    [{"settings": []}, {"settings": [{}]}, {"settings": [{"lambda_coord": -1, "lambda_noobj": 1}]}, {"minutes": 0},
     {"minutes": "long"}, {"settings": [{"lambda_coord": 1e9, "lambda_noobj": 1}]}, {"settings": "all"}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(port, change):
    with live(port) as talk:
        assert "expected" in ask(talk, {**TRAIN, **change})["error"]
