"""Servers that are down, slow, wrong or hostile: each ends in two lines, and nothing leaks."""

import itertools
import json
import logging
import re
import shutil
import socket
import ssl
import subprocess
import time
import tracemalloc
from types import SimpleNamespace

import pytest
from dicom_films import ROOT
from odd_servers import JSON, MULTIPART, drips, film_bytes, part, says, serving, whole

from spondyl.errors import Problem, SpondylError
from spondyl.reading.dicomweb import connection as connections
from spondyl.reading.dicomweb import retrieving, searching, sending, storing
from spondyl.reading.dicomweb.address import address
from spondyl.reading.dicomweb.answers import ServerError
from spondyl.reading.dicomweb.connection import Connection
from spondyl.reading.dicomweb.credentials import Bearer
from spondyl.reading.dicomweb.retrieving import Wanted
from spondyl.reading.dicomweb.searching import Question

HTML = ("text/html", b"<html>Please log in, DOE^JANE</html>")
KEPT = {"00081199": {"vr": "SQ", "Value": [{"00081150": {"vr": "UI", "Value": ["1.2"]}}]}}


def connected(server, **more):
    return Connection(address(server.url, "--from"), **more)


def fetch(server, out, study=f"{ROOT}1", **more):
    with connected(server, **more) as connection:
        return retrieving.fetch([Wanted(study)], connection, out)


def push(server, folder, count=1, **more):
    folder.mkdir(exist_ok=True)
    for number in range(1, count + 1):
        (folder / f"{number}.dcm").write_bytes(film_bytes(number))
    with connected(server, **more) as connection:
        return list(storing.store(sending.files([folder]).sent, connection))


def search(server, question=None, **more):
    with connected(server, **more) as connection:
        return searching.studies(question or Question(patient_id="made-up-17"), connection)


def refused(server, tmp_path, match, **more):
    """A pull that fails so, and leaves nothing."""
    with pytest.raises(SpondylError, match=match) as told:
        fetch(server, tmp_path / "out", **more)
    assert told.value.hint
    assert "DOE" not in f"{told.value.message} {told.value.hint}"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(connections, "WAITS_SECONDS", (0.0, 0.0))


def test_a_page_in_html_is_no_answer_to_anything(tmp_path):
    with serving(says(200, *HTML)) as server:
        refused(server, tmp_path, "answers with text/html where multipart/related is needed")
        with pytest.raises(ServerError, match="text/html where DICOM JSON is needed"):
            search(server)
        with pytest.raises(ServerError, match="text/html where DICOM JSON is needed"):
            push(server, tmp_path / "films")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "does not know who asks"),
        (403, "does not allow this"),
        (404, "has nothing there"),
        (406, "in no form that was asked for"),
        (409, "refuses, since it conflicts"),
        (418, "does not understand"),
        (429, "too many requests"),
        (500, "failed"),
        (503, "busy or down"),
        (507, "is full"),
        (206, "only a part of it"),
        (302, "answers oddly"),
    ],
)
def test_each_status_is_said_in_words_with_a_hint(tmp_path, status, words):
    with serving(says(status, *HTML)) as server:
        refused(server, tmp_path, f"{words}.*status {status}")


def test_a_server_that_is_not_there_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = SimpleNamespace(url=f"http://127.0.0.1:{taken.getsockname()[1]}/web")
        refused(nobody, tmp_path, "cannot be reached")
        with pytest.raises(ServerError, match="cannot be reached"):
            push(nobody, tmp_path / "films")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing of the kind",
        b"--B--\r\n",
        part(film_bytes()),
        part(film_bytes())[:-50],
        part(film_bytes()) + b"\r\n--Bx\r\n\r\n",
        part(film_bytes()) + b"\r\n--B\r\nContent-Type: application/dicom",
        part(b"no film") + b"\r\n--B--",
        part(film_bytes()[:200]) + b"\r\n--B--",
        part(film_bytes(), "text/html") + b"\r\n--B--",
        b"x" * 100_000 + whole(film_bytes()),
        b"--B\r\n" + b"X-Long: x\r\n" * 10_000 + b"\r\n",
    ],
    ids=range(12),
)
def test_a_broken_multipart_is_refused_and_nothing_is_left(tmp_path, body):
    with serving(drips(MULTIPART, [body])) as server:
        refused(server, tmp_path, "its answer cannot be read to its end")


def test_an_answer_shorter_than_announced_is_refused(tmp_path):
    body = whole(film_bytes())
    with serving(says(200, MULTIPART, body[:-200], Content_Length=len(body))) as server:
        refused(server, tmp_path, "cannot be read to its end")


@pytest.mark.parametrize(
    "kind", ["multipart/related", "multipart/mixed; boundary=B", "", "\x1b[2J"]
)
def test_an_answer_without_a_boundary_is_of_another_kind(tmp_path, kind):
    with serving(drips(kind, [whole(film_bytes())])) as server:
        refused(server, tmp_path, r"answers with [a-z\[2J/ ]+ where multipart/related is needed")


def test_preamble_quotes_and_chunks_of_any_size_do_not_matter(tmp_path):
    body = b"for people\r\n" + whole(film_bytes(1), film_bytes(2)) + b"the end"
    kind = 'Multipart/Related; boundary="B"; type=application/dicom'
    with serving(drips(kind, [body[at : at + 7] for at in range(0, len(body), 7)])) as server:
        assert len(fetch(server, tmp_path / "out")) == 2


def test_an_object_that_never_ends_is_left_and_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(retrieving, "LARGEST_INSTANCE_BYTES", 48 << 20)
    endless = itertools.chain([part(b"")], itertools.repeat(bytes(1 << 20)))
    with serving(drips(MULTIPART, endless)) as server:
        tracemalloc.start()
        refused(server, tmp_path, "each, and it was left")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 12 << 20


def test_objects_without_end_are_left_by_number_and_by_size(tmp_path, monkeypatch):
    def endless():
        return (part(film_bytes(number)) for number in itertools.count(1))

    with serving(drips(MULTIPART, endless)) as server:
        monkeypatch.setattr(retrieving, "MOST_INSTANCES", 5)
        refused(server, tmp_path, "more than 5 objects")
        monkeypatch.setattr(retrieving, "LARGEST_PULL_BYTES", 4000)
        refused(server, tmp_path, "more than 4000 bytes")


def test_a_document_without_end_is_left(monkeypatch):
    monkeypatch.setattr(connections, "LARGEST_DOCUMENT_BYTES", 1 << 20)
    endless = itertools.chain([b"["], itertools.repeat(b'{"a": 1},' * 1000))
    with serving(drips(JSON, endless)) as server, pytest.raises(ServerError, match="of JSON"):
        search(server)


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b"{", b"{}", b"[1]", b"\xff", b'[{"0020000D": 1}]']
)
def test_a_search_answered_with_nonsense_is_refused(body):
    with serving(says(200, JSON, body)) as server, pytest.raises(SpondylError):
        search(server, Question(modalities=("CR",)))


def test_silence_is_left_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "SILENCE_SECONDS", 0.2)
    with serving(lambda *_: time.sleep(1.0)) as server:
        refused(server, tmp_path, "does not answer in time")
    with serving(drips(MULTIPART, [b"--B\r\n"], pause=1.0)) as server:
        refused(server, tmp_path, "does not answer in time")


def test_dripping_is_left_in_time_though_nobody_is_ever_silent(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 0.3)

    def drips_its_header(handler, _):
        for letter in "HTTP/1.0 200 OK\r\nX-Long: " + "x" * 400:
            handler.wfile.write(letter.encode())
            time.sleep(0.05)

    for answer in (drips(MULTIPART, [b"\r\n--B"] + [b"x"] * 400, pause=0.05), drips_its_header):
        with serving(answer) as server:
            begun = time.monotonic()
            refused(server, tmp_path, "too slowly")
            assert time.monotonic() - begun < 10


def test_a_compressed_answer_is_refused_before_it_unpacks(tmp_path):
    with serving(says(200, MULTIPART, bytes(1000), Content_Encoding="gzip")) as server:
        refused(server, tmp_path, "compresses its answer")
        assert server.seen[0].headers["Accept-Encoding"] == "identity"


def test_a_get_is_asked_three_times_where_the_server_is_busy_and_a_post_once(tmp_path):
    numbers = itertools.count(1)
    good = says(200, MULTIPART, whole(film_bytes()))

    def busy_twice(handler, body):
        (good if next(numbers) % 3 == 0 else says(503))(handler, body)

    with serving(busy_twice) as server:
        assert len(fetch(server, tmp_path / "out")) == 1
        assert len(server.seen) == 3
    with serving(says(503)) as server:
        (problem,) = push(server, tmp_path / "films")
        assert "busy or down" in problem.what
        assert len(server.seen) == 1


def test_no_redirect_to_another_server_is_followed(tmp_path):
    with serving(says(200, MULTIPART, whole(film_bytes()))) as other:
        there = f"{other.url}/studies?PatientName=DOE"
        with serving(says(307, Location=there)) as server:
            secret = Bearer("top-secret")
            refused(server, tmp_path, "wants to redirect to http://127.0.0.1:", auth=secret)
            with pytest.raises(ServerError, match="wants to redirect"):
                push(server, tmp_path / "films", auth=secret)
        assert other.seen == []


@pytest.mark.parametrize(
    "there", ["http://[", "//else", "http://user@127.0.0.1/", "file:///etc/passwd"]
)
def test_a_redirect_to_nowhere_is_refused(tmp_path, there):
    with serving(says(302, Location=there)) as server:
        refused(server, tmp_path, "wants to redirect")


def test_the_body_of_a_redirect_is_never_read(tmp_path):
    def endless(handler, _):
        handler.send_response(307)
        handler.send_header("Location", "http://127.0.0.2/")
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(1 << 20))

    with serving(endless) as server:
        refused(server, tmp_path, "wants to redirect to http://127.0.0.2,")


def test_a_redirect_within_the_server_is_followed_but_not_for_ever(tmp_path):
    def once(handler, body):
        if handler.path.startswith("/web/"):
            says(301, Location="/elsewhere")(handler, body)
        else:
            says(200, MULTIPART, whole(film_bytes()))(handler, body)

    with serving(once) as server:
        assert len(fetch(server, tmp_path / "out", auth=Bearer("token-1"))) == 1
        assert [one.headers["Authorization"] for one in server.seen] == ["Bearer token-1"] * 2
    shutil.rmtree(tmp_path / "out")
    with serving(says(301, Location="/web/again")) as server:
        refused(server, tmp_path, "redirects more than 3 times")


def test_an_object_that_was_not_asked_for_or_comes_twice_ends_it_all(tmp_path):
    with serving(says(200, MULTIPART, whole(film_bytes(), film_bytes(2, f"{ROOT}2")))) as server:
        refused(server, tmp_path, "an object that was not asked for")
    with serving(says(200, MULTIPART, whole(film_bytes(), film_bytes()))) as server:
        refused(server, tmp_path, "an object twice")


def test_studies_of_another_patient_are_not_taken_for_the_one_asked_for():
    row = {"0020000D": {"vr": "UI", "Value": ["1.2"]}, "00100020": {"vr": "LO", "Value": ["DOE"]}}
    with serving(says(200, JSON, json.dumps([row]).encode())) as server:
        with pytest.raises(SpondylError, match="another patient") as told:
            search(server)
        assert "DOE" not in told.value.message
        with pytest.raises(SpondylError, match="another date"):
            search(server, Question(date="20210401"))


@pytest.mark.parametrize("number", ["299 here: There are 7", 'Warning: 299 here "There are 7'])
def test_a_search_that_the_server_cuts_short_is_not_taken_for_the_whole(number):
    row = {"0020000D": {"vr": "UI", "Value": ["1.2"]}}
    row["00080061"] = {"vr": "CS", "Value": ["CR"]}
    body, question = json.dumps([row]).encode(), Question(modalities=("CR",))
    warning = f"{number} additional results that can be requested"
    cut = pytest.raises(SpondylError, match="more than it hands out at once")
    with serving(says(200, JSON, body, Warning=warning)) as server, cut:
        search(server, question)
    other = "299 here: The fuzzymatching parameter is not supported."
    with serving(says(200, JSON, body, Warning=other)) as server:
        assert [study.uid for study in search(server, question)] == ["1.2"]


def test_an_identifier_in_an_answer_is_checked_before_it_enters_an_address():
    row = {"0020000D": {"vr": "UI", "Value": ["../../patients"]}}
    row["00080061"] = {"vr": "CS", "Value": ["CR"]}
    body = json.dumps([row]).encode()
    with (
        serving(says(200, JSON, body)) as server,
        pytest.raises(ServerError, match="no unique identifier"),
    ):
        search(server, Question(modalities=("CR",)))


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (409, 272, r"failed while the server worked on it \(reason 0110\)"),
        (202, 0xA701, r"out of room \(reason A701\)"),
        (409, 0xC122, r"transfer syntax \(reason C122\)"),
        (200, 0x1234, r"reason of its own \(reason 1234\)"),
        (409, None, "gives no reason"),
    ],
)
def test_why_the_server_did_not_store_is_said_in_words(tmp_path, status, code, words):
    item = {} if code is None else {"00081197": {"vr": "US", "Value": [code]}}
    body = json.dumps({"00081198": {"vr": "SQ", "Value": [item]}}).encode()
    with serving(says(status, JSON, body)) as server:
        (problem,) = push(server, tmp_path / "films")
    assert isinstance(problem, Problem)
    assert re.search(words, problem.what)


def test_what_the_server_changed_is_a_warning_and_saying_nothing_is_no_success(tmp_path):
    kept = json.loads(json.dumps(KEPT))
    kept["00081199"]["Value"][0]["00081196"] = {"vr": "US", "Value": [0xB000]}
    with serving(says(202, JSON, json.dumps(kept).encode())) as server:
        (stored,) = push(server, tmp_path / "films")
    assert stored.warnings == ("the server changed some of its elements (reason B000)",)
    with serving(says(200, JSON, b"{}")) as server:
        (problem,) = push(server, tmp_path / "films")
    assert "or the server does not say so" in problem.what


def test_a_server_that_goes_away_is_tried_three_times_and_the_rest_is_listed(tmp_path):
    numbers = itertools.count(1)

    def once(handler, body):
        if next(numbers) == 1:
            says(200, JSON, json.dumps(KEPT).encode())(handler, body)

    with serving(once) as server:
        stored, *problems = push(server, tmp_path / "films", count=7)
        assert len(server.seen) == 4
    assert stored.name == "file-1"
    assert ["was not sent" in one.what for one in problems] == [False] * 3 + [True] * 3


def test_a_file_travels_whole_and_unchanged_with_its_length_announced(tmp_path):
    bodies = []

    def kept(handler, body):
        bodies.append(body)
        says(200, JSON, json.dumps(KEPT).encode())(handler, body)

    with serving(kept) as server:
        push(server, tmp_path / "films")
        (request,) = server.seen
    assert "Transfer-Encoding" not in request.headers
    boundary = request.headers["Content-Type"].rpartition("boundary=")[2].encode()
    content = b"Content-Type: application/dicom\r\n\r\n" + film_bytes()
    assert bodies == [b"--" + boundary + b"\r\n" + content + b"\r\n--" + boundary + b"--\r\n"]


def test_nothing_of_question_or_credentials_is_logged_or_said(monkeypatch, caplog, capfd):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # loopback goes through no proxy
    with caplog.at_level(logging.DEBUG), serving(says(503, X_Odd="\x00")) as server:
        with pytest.raises(SpondylError) as told:
            search(server, auth=Bearer("top-secret"))
        assert server.seen[0].headers["Authorization"] == "Bearer top-secret"
        shown = repr((connected(server, auth=Bearer("top-secret")), Question("made-up-17")))
    said = shown + caplog.text + "".join(capfd.readouterr()) + told.value.message + told.value.hint
    assert "made-up-17" not in said
    assert "top-secret" not in said


def test_a_certificate_is_trusted_only_where_it_is_named(tmp_path):
    if not (openssl := shutil.which("openssl")):
        pytest.skip("no certificate can be made: openssl is not installed")
    made = tmp_path / "made"
    made.mkdir()
    options = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=here -keyout key -out cert"
    name = ("-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run([openssl, *options.split(), *name], cwd=made, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made / "cert", made / "key")
    work = tmp_path / "work"
    work.mkdir()
    with serving(says(200, MULTIPART, whole(film_bytes())), tls) as server:
        refused(server, work, "its certificate is not trusted")
        assert server.seen == []
        assert len(fetch(server, work / "out", ca_bundle=made / "cert")) == 1
        for wrong in (made / "key", made / "missing"):
            with pytest.raises(SpondylError, match="no certificates can be read"):
                connected(server, ca_bundle=wrong)


def test_a_file_that_shrinks_while_it_is_sent_is_broken_off_and_the_next_is_sent(
    tmp_path, monkeypatch
):
    sizes = iter([len(film_bytes()) + 100])
    sized = storing.os.fstat
    with serving(says(200, JSON, json.dumps(KEPT).encode())) as server:
        folder = tmp_path / "films"
        push(server, folder, count=2)

        def longer(handle):
            return SimpleNamespace(st_size=next(sizes, None) or sized(handle).st_size)

        monkeypatch.setattr(storing.os, "fstat", longer)
        first, second = push(server, folder, count=2)
        monkeypatch.undo()
    assert "while it was sent" in first.what
    assert second.name == "file-2"
