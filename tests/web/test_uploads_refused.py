"""Uploads that are too large, too many, malformed or no film, and names that are no paths."""

import io
import time

import numpy as np
import pytest
from PIL import Image
from reading_rooms import PART, WRITE, QuickReader, film, is_refusal, read, room, send

from spondyl.web import rates
from spondyl.web.limits import Limits


@pytest.fixture
def client(tmp_path):
    with room(tmp_path / "room") as opened:
        yield opened


def limited(tmp_path, **limits):
    return room(tmp_path / "room", limits=Limits(**limits))


def kept(tmp_path):
    """Films and drafts on the disk."""
    return [p for d in ("readings", "incoming") for p in (tmp_path / "room" / d).rglob("*")]


def test_a_film_larger_than_the_limit_is_refused_and_nothing_is_kept(tmp_path):
    with limited(tmp_path, film_bytes=2000) as client:
        big = film((60, 60))
        assert len(big) > 2000
        assert is_refusal(send(client, film((8, 8)), big), 413)
        assert kept(tmp_path) == []


def test_more_films_than_the_limit_are_refused_whole(tmp_path):
    with limited(tmp_path, films_per_upload=2) as client:
        assert is_refusal(send(client, *(film(seed=n) for n in range(3))), 413)
        assert kept(tmp_path) == []
        assert send(client, film(), film(seed=1)).status_code == 202


def test_a_body_s_stated_length_is_judged_before_a_byte_is_read(tmp_path):
    with limited(tmp_path, film_bytes=1000, films_per_upload=1) as client:
        headers = WRITE | {"Content-Length": "999999999", "Content-Type": "multipart/form-data"}
        answer = client.post("/api/readings", content=b"", headers=headers)
        assert is_refusal(answer, 413)


def test_a_body_without_a_length_is_counted_as_it_comes(tmp_path):
    def pieces():
        for _ in range(1000):
            yield b"x" * 1000

    with limited(tmp_path, film_bytes=1000, films_per_upload=1) as client:
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        assert is_refusal(client.post("/api/readings", content=pieces(), headers=WRITE | kind), 413)
        answer = client.post(f"/api/readings/{'0' * 32}/regions", content=pieces(), headers=WRITE)
        assert is_refusal(answer, 413)


def test_a_film_of_more_pixels_than_the_limit_is_never_decoded(tmp_path):
    with limited(tmp_path, film_pixels=1000) as client:
        assert is_refusal(send(client, film((40, 30))), 413)
        assert kept(tmp_path) == []


def test_a_decompression_bomb_costs_a_refusal(client, tmp_path):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((9000, 9000), np.uint8)).save(stream, "PNG")
    assert is_refusal(send(client, stream.getvalue()), 413)
    assert kept(tmp_path) == []


def test_what_is_stored_in_all_has_a_limit_and_deleting_makes_room(tmp_path):
    with limited(tmp_path, stored_bytes=3000) as client:
        assert is_refusal(send(client, film((80, 80))), 413)
        one = send(client, film((40, 40))).json()["readings"][0]["id"]
        while client.get(f"/api/readings/{one}").json()["state"] != "done":
            time.sleep(0.02)
        assert is_refusal(send(client, film((40, 40))), 413)
        client.delete(f"/api/readings/{one}", headers=WRITE)
        assert send(client, film((40, 40))).status_code == 202


def test_the_queue_has_an_end(tmp_path):
    reader = QuickReader()
    with room(tmp_path / "room", reader, limits=Limits(films_waiting=2)) as client:
        assert send(client, *(film(seed=n) for n in range(3))).status_code == 202
        assert reader.begun.wait(10)
        assert is_refusal(send(client, film()), 429)
        reader.gate.set()


def test_a_client_who_uploads_too_often_waits(tmp_path):
    with limited(tmp_path, uploads_per_minute=2) as client:
        assert [send(client, film()).status_code for _ in range(3)] == [202, 202, 429]
        refused = send(client, film())
        assert is_refusal(refused, 429)
        assert int(refused.headers["retry-after"]) >= 1


def test_a_rate_fills_again_and_knows_clients_apart():
    now = [0.0]
    rate = rates.Rate(60, lambda: now[0])
    for _ in range(60):
        rate.take("a")
    with pytest.raises(rates.RefusedError):
        rate.take("a")
    rate.take("b")
    now[0] = 1.5
    rate.take("a")
    with pytest.raises(rates.RefusedError):
        rate.take("a")


@pytest.mark.parametrize(
    "content",
    [b"", b"not an image", b"\x89PNG\r\n\x1a\n and nothing else", b"GIF89a" + b"\0" * 100],
)
def test_what_is_no_film_is_refused_by_its_place_with_all_others(client, tmp_path, content):
    answer = send(client, content, film(), content, names=["DOE.png", "ROE.png", "ZOE.png"])
    assert is_refusal(answer, 422)
    assert "film 1" in answer.json()["error"]
    assert "film 3" in answer.json()["error"]
    assert "film 2" not in answer.json()["error"]
    assert "OE" not in answer.text
    assert str(tmp_path) not in answer.text
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=", b"x", 400),
        ("multipart/form-data; boundary=" + "b" * 300, b"x", 400),
        ("multipart/form-data; boundary=b", b"", 400),
        ("multipart/form-data; boundary=b", b"\0" * 100, 400),
        ("multipart/form-data; boundary=b", PART, 400),
        ("multipart/form-data; boundary=b", PART + b"123\r\n--b", 400),
        ("multipart/form-data; boundary=b", PART + b"123\r\n--b--\r\n", 422),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 422),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n123\r\n--b--\r\n", 422),
        ("multipart/form-data; boundary=b", PART.replace(b"films", b"other"), 422),
        ("multipart/form-data; boundary=b", PART.replace(b'; filename="a"', b""), 422),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: " + b"y" * 99999, 400),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: y\r\n" * 9999, 400),
        ("application/json", b"{}", 415),
        ("", PART, 415),
        ("multipart/form-data; boundary=\xff", PART, 400),
    ],
)
def test_a_malformed_upload_is_refused_and_leaves_nothing(client, tmp_path, kind, body, status):
    headers = WRITE | {"Content-Type": kind.encode("latin-1")}
    assert is_refusal(client.post("/api/readings", content=body, headers=headers), status)
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "/etc/passwd",
        "a\0b.png",
        "<script>alert(1)</script>.png",
        '"><img src=x onerror=alert(1)>.png',
        "%2e%2e%2f",
        "x" * 300,
        "",
    ],
)
def test_a_file_s_name_is_no_path_and_is_shown_nowhere(client, tmp_path, name):
    before = {p for p in tmp_path.rglob("*") if "sqlite3" not in p.name}
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    body = PART.replace(b'"a"', f'"{quoted}"'.encode()) + film() + b"\r\n--b--\r\n"
    headers = WRITE | {"Content-Type": "multipart/form-data; boundary=b"}
    answer = client.post("/api/readings", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    (one,) = answer.json()["readings"]
    place = tmp_path / "room" / "readings" / one["id"]
    new = {p for p in tmp_path.rglob("*") if "sqlite3" not in p.name} - before
    assert all(p == place or place in p.parents or "incoming" in p.parts for p in new)
    assert "alert" not in client.get("/api/readings").text


@pytest.mark.parametrize(
    "reading_id",
    ["..%2f..%2f..", "..%2f..", "%2e%2e%2f%2e%2e", "0" * 31, "A" * 32, "0" * 32, "0" * 32 + "\n"],
)
@pytest.mark.parametrize("rest", ["", "/film.png", "/heatmaps/mean/normal.png", "/regions"])
def test_an_identifier_that_is_none_finds_nothing(client, reading_id, rest):
    assert is_refusal(client.get(f"/api/readings/{reading_id}{rest}".replace("\n", "%0a")), 404)


@pytest.mark.parametrize(
    "rest",
    [
        "..%2f..%2f..%2freadings.sqlite3",
        "mean/..%2f..%2fmade%2ffilm.png",
        "mean/%2fetc%2fpasswd.png",
        "mean/normal.txt",
        "mean/000.npy",
        "..%2f/normal.npy",
        "mean/normal%00.png",
    ],
)
def test_a_map_is_found_by_its_names_and_by_no_path(client, rest):
    (one,) = read(client, film())
    assert is_refusal(client.get(f"/api/readings/{one['id']}/heatmaps/{rest}"), 404)


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"]
)
def test_static_files_are_those_of_their_folder(client, path):
    assert is_refusal(client.get(path), 404)
