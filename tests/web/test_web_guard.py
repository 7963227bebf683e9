"""What the door of the web application lets through, and what every answer carries."""

import logging
import subprocess
import sys

import pytest
from reading_rooms import WRITE, film, is_refusal, read, room, send

from spondyl.errors import SpondylError
from spondyl.web import settings
from spondyl.web.guard import CONTENT_POLICY


@pytest.fixture
def client(tmp_path):
    with room(tmp_path / "room") as opened:
        yield opened


def kept(tmp_path):
    """Films and drafts on the disk."""
    return [p for d in ("readings", "incoming") for p in (tmp_path / "room" / d).rglob("*")]


# who may ask


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.", "*"])
def test_a_foreign_host_is_refused_even_to_look(client, host):
    assert is_refusal(client.get("/api/readings", headers={"Host": host}), 400)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_this_machine_s_own_names_are_let_in_at_any_port(client, host):
    assert client.get("/api/readings", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8001"},
        {"Origin": "http://localhost:8000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "cross-site"},
        {"X-Spondyl": "0"},
    ],
)
def test_another_site_writes_nothing_and_deletes_nothing(client, tmp_path, headers):
    assert is_refusal(send(client, film(), headers=headers), 403)
    assert kept(tmp_path) == []
    one = send(client, film()).json()["readings"][0]["id"]
    answer = client.delete(f"/api/readings/{one}", headers=WRITE | headers)
    assert is_refusal(answer, 403)
    assert client.get(f"/api/readings/{one}").status_code == 200


def test_what_a_form_of_another_page_can_send_lacks_the_header(client):
    answer = client.post("/api/readings", files=[("films", ("a.png", film()))])
    assert is_refusal(answer, 403)
    assert "X-Spondyl" in answer.json()["error"]


def test_our_own_page_may_write(client):
    ours = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert send(client, film(), headers=ours).status_code == 202


def test_no_other_site_is_ever_told_that_it_may(client):
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/api/readings", headers=asked)
    assert is_refusal(answer, 405)
    assert not any(name.startswith("access-control") for name in answer.headers)


# what answers carry


@pytest.mark.parametrize(
    ("path", "status"),
    [("/health", 200), ("/api/readings", 200), ("/nothing", 404), ("/static/nothing.js", 404)],
)
def test_every_answer_carries_the_policy(client, path, status):
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == CONTENT_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"


def test_refusals_at_the_door_carry_the_policy_too(client):
    answer = client.get("/", headers={"Host": "evil.example"})
    assert answer.headers["content-security-policy"] == CONTENT_POLICY


def test_films_and_what_is_made_of_them_are_kept_in_no_cache(client):
    (one,) = read(client, film())
    urls = [one["film"]["url"], one["maps"][0]["url"], one["maps"][0]["raw_url"]]
    for url in [*urls, f"/api/readings/{one['id']}"]:
        assert client.get(url).headers["cache-control"] == "no-store"


def test_an_unexpected_fault_is_logged_under_a_number_and_told_without_a_trace(
    client, caplog, monkeypatch
):
    def broken(*_):
        raise RuntimeError("a secret of /the/disk")

    monkeypatch.setattr("spondyl.web.answers.of_reading", broken)
    send(client, film())
    with caplog.at_level(logging.ERROR, "spondyl.web"):
        answer = client.get("/api/readings")
    assert is_refusal(answer, 500)
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"] == CONTENT_POLICY
    number = answer.json()["error"].split("number ")[1].rstrip(")")
    assert number in caplog.text
    assert "a secret of /the/disk" in caplog.text


def test_importing_the_application_loads_no_network():
    code = (
        "import sys, spondyl.web.app, spondyl.web.running, spondyl.web.readings_store\n"
        "assert not {'torch', 'torchvision', 'timm', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["", "a/b", "http://a", "*", "a b", "ä"])
def test_a_host_that_is_no_name_is_refused_when_it_is_given(name):
    with pytest.raises(SpondylError):
        settings.host_named(name)
