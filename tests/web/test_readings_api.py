"""Films in, readings out: what the API of the reading room promises."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from reading_rooms import (
    FACTS,
    LABELS,
    NETWORKS,
    WRITE,
    QuickReader,
    film,
    is_refusal,
    over,
    read,
    room,
    send,
)

from spondyl.errors import SpondylError
from spondyl.web.limits import Limits


@pytest.fixture
def client(tmp_path):
    with room(tmp_path / "room") as opened:
        yield opened


def files_in(folder):
    return [p for p in folder.rglob("*") if p.is_file() and "sqlite3" not in p.name]


def test_a_film_is_taken_at_once_and_read_beside_the_request(client):
    sent = send(client, film())
    assert sent.status_code == 202
    (one,) = sent.json()["readings"]
    assert one["state"] in ("queued", "reading", "done")
    done = over(client, one["id"])
    assert done["state"] == "done"
    assert done["reading"] == {"answer": "normal"}
    assert done["film"]["width"] == 30
    assert done["film"]["height"] == 40
    assert done["film"]["spacing_mm"] == [0.5, 0.25]
    assert done["position"] is None


def test_the_film_comes_back_at_full_resolution_and_grey(client):
    (one,) = read(client, sent := film())
    answer = client.get(one["film"]["url"])
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as got, Image.open(io.BytesIO(sent)) as want:
        assert got.mode == "L"
        assert np.abs(np.asarray(got, int) - np.asarray(want, int)).max() <= 1


def test_every_map_is_at_the_address_that_is_told_of_it(client):
    (one,) = read(client, film())
    assert [(m["network"], m["label"]) for m in one["maps"]] == [
        (network, label) for network in NETWORKS for label in LABELS
    ]
    for m in one["maps"]:
        n, k = NETWORKS.index(m["network"]), LABELS.index(m["label"])
        raw = np.load(io.BytesIO(client.get(m["raw_url"]).content), allow_pickle=False)
        assert raw.dtype == np.float32
        assert np.array_equal(raw, np.full((2, 3), n - k))
        with Image.open(io.BytesIO(client.get(m["url"]).content)) as heat:
            assert (heat.mode, heat.getpixel((0, 0))) == ("L", 10 * n + k)


def test_maps_of_several_methods_have_addresses_of_their_own(tmp_path):
    reader = QuickReader(methods=("Grad-CAM", "HiResCAM"))
    reader.gate.set()
    with room(tmp_path, reader) as client:
        (one,) = read(client, film())
        urls = [m["url"] for m in one["maps"]]
        assert len(set(urls)) == len(urls) == 12
        assert all(client.get(url).status_code == 200 for url in urls)


def test_several_films_are_queued_in_their_order_with_their_positions(tmp_path):
    reader = QuickReader()
    with room(tmp_path, reader) as client:
        sent = send(client, *(film(seed=n) for n in range(4))).json()["readings"]
        assert reader.begun.wait(10)
        found = [client.get(f"/api/readings/{one['id']}").json() for one in sent]
        assert [one["position"] for one in found] == [0, 1, 2, 3]
        assert [one["state"] for one in found] == ["reading", *3 * ["queued"]]
        assert all(one["film"] is None and one["maps"] == [] for one in found)
        client.delete(f"/api/readings/{sent[1]['id']}", headers=WRITE)
        assert client.get(f"/api/readings/{sent[3]['id']}").json()["position"] == 2
        reader.gate.set()
        assert over(client, sent[3]["id"])["state"] == "done"


def test_readings_are_listed_newest_first(client):
    first, second = (read(client, film(seed=n))[0]["id"] for n in range(2))
    listed = client.get("/api/readings").json()["readings"]
    assert [one["id"] for one in listed] == [second, first]
    assert len(client.get("/api/readings?most=1").json()["readings"]) == 1


def test_deleting_a_reading_leaves_nothing_of_it_on_the_disk_or_in_the_database(tmp_path):
    folder = tmp_path / "room"
    with room(folder) as client:
        before = files_in(folder)
        (one,) = read(client, film())
        client.post(f"/api/readings/{one['id']}/regions", json=corners(), headers=WRITE)
        assert len(files_in(folder)) > len(before) + 5
        place = f"/api/readings/{one['id']}"
        assert client.delete(place, headers=WRITE).status_code == 204
        assert files_in(folder) == before
        assert list((folder / "readings").iterdir()) == []
        assert client.get("/api/readings").json() == {"readings": []}
        for url in (place, one["film"]["url"], one["maps"][0]["url"], f"{place}/regions"):
            assert is_refusal(client.get(url), 404)
        assert is_refusal(client.delete(place, headers=WRITE), 404)


def test_a_film_that_is_deleted_while_it_is_read_leaves_nothing_either(tmp_path):
    reader = QuickReader()
    with room(tmp_path / "room", reader) as client:
        first, second = send(client, film(), film(seed=1)).json()["readings"]
        assert reader.begun.wait(10)
        client.delete(f"/api/readings/{first['id']}", headers=WRITE)
        reader.gate.set()
        over(client, second["id"])
        assert [p.name for p in (tmp_path / "room" / "readings").iterdir()] == [second["id"]]
        assert list((tmp_path / "room" / "incoming").iterdir()) == []


def test_a_reading_that_goes_while_it_is_looked_at_was_never_there(client):
    first, second = (read(client, film(seed=n))[0] for n in range(2))
    shelf = client.app.state.room.store.shelf
    shelf.drop(first["id"])  # as another request does between the two looks of this one
    assert is_refusal(client.get(f"/api/readings/{first['id']}"), 404)
    assert is_refusal(client.get(first["film"]["url"]), 404)
    listed = client.get("/api/readings").json()["readings"]
    assert [one["id"] for one in listed] == [second["id"]]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_waits_is_read_by_the_next_server_and_what_was_begun_is_read_again(tmp_path):
    reader = QuickReader()
    with room(tmp_path, reader) as client:
        sent = send(client, film(), film(seed=1)).json()["readings"]
        assert reader.begun.wait(10)
        reader.error = SystemExit()  # ends the thread in the middle, as a killed server would
        reader.gate.set()
    with room(tmp_path) as client:
        assert [over(client, one["id"])["state"] for one in sent] == ["done", "done"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_film_that_ends_the_server_each_time_is_left_alone_at_last(tmp_path):
    for _ in range(3):
        reader = QuickReader(error=SystemExit())
        with room(tmp_path, reader) as client:
            if not client.get("/api/readings").json()["readings"]:
                send(client, film())
            assert reader.begun.wait(10)
            reader.gate.set()
    with room(tmp_path) as client:
        (one,) = client.get("/api/readings").json()["readings"]
        assert one["state"] == "failed"
        assert "stopped" in one["error"]


def test_a_film_that_cannot_be_read_says_why_and_stops_no_other(tmp_path):
    reader = QuickReader(error=SpondylError("no spine was found", "Try another."))
    reader.gate.set()
    with room(tmp_path, reader) as client:
        failed = read(client, film())[0]
        assert (failed["state"], failed["error"], failed["hint"]) == (
            "failed",
            "no spine was found",
            "Try another.",
        )
        reader.error = None
        assert read(client, film())[0]["state"] == "done"


def test_an_unexpected_fault_of_the_reader_is_told_by_a_number_alone(tmp_path, caplog):
    reader = QuickReader(error=RuntimeError("secret/path"))
    reader.gate.set()
    with room(tmp_path, reader) as client:
        failed = read(client, film())[0]
    assert "secret" not in json.dumps(failed)
    number = failed["error"].split("number ")[1].rstrip(")")
    assert number in caplog.text
    assert "secret/path" in caplog.text


def test_a_film_is_known_by_its_bytes_and_its_name_is_kept_nowhere(tmp_path):
    name = "DOE_JANE_1970.png"
    with room(tmp_path) as client:
        assert send(client, film(), names=[name]).status_code == 202
        found = client.get("/api/readings").text
    assert "DOE" not in found
    assert all(
        b"DOE" not in path.read_bytes() and "DOE" not in path.name
        for path in tmp_path.rglob("*")
        if path.is_file()
    )


def test_users_of_a_proxy_see_their_own_films_alone(tmp_path):
    with room(tmp_path, trust_header="X-Remote-User") as client:
        ann, bob = ({"X-Remote-User": name} for name in ("ann", "bob"))
        sent = send(client, film(), headers=ann).json()["readings"][0]["id"]
        place = f"/api/readings/{sent}"
        assert client.get(place, headers=ann).status_code == 200
        assert is_refusal(client.get(place, headers=bob), 404)
        assert client.get("/api/readings", headers=bob).json() == {"readings": []}
        assert is_refusal(client.delete(place, headers=WRITE | bob), 404)
        assert is_refusal(client.get(place), 401)
        assert is_refusal(client.get(place, headers={"X-Remote-User": "  "}), 401)
        assert client.get("/health").status_code == 200
        assert client.delete(place, headers=WRITE | ann).status_code == 204


def test_a_header_that_nobody_asked_to_trust_is_not_trusted(client):
    one = send(client, film(), headers={"X-Remote-User": "ann"}).json()["readings"][0]["id"]
    assert client.get(f"/api/readings/{one}").status_code == 200


def test_a_second_server_is_refused_the_folder_of_the_first(tmp_path, client):
    with (
        pytest.raises(SpondylError, match="another server"),
        room(tmp_path / "room"),
    ):
        pass


def test_the_bundle_is_told_with_the_limits_that_the_server_keeps(client):
    told = client.get("/api/bundle").json()
    assert (told["id"], told["labels"], told["alpha"]) == (FACTS.bundle_id, list(LABELS), 0.05)
    assert told["limits"]["film_bytes"] == Limits().film_bytes
    assert "card" not in told


def corners(**changed):
    row = [None] * 68
    row[0:4] = [[3, 4], [9, 4], [3, 8], [9.5, 8]]
    row[64:68] = [[3, 30], [9, 30], [3, 34], [9, 34]]
    return {"corners": row} | changed


def test_corrected_corners_are_kept_version_by_version_and_come_back_as_they_were(client):
    (one,) = read(client, film())
    place = f"/api/readings/{one['id']}/regions"
    assert client.get(place).json() is None
    assert is_refusal(client.get(f"{place}?version=1"), 404)
    first = client.post(place, json=corners(), headers=WRITE)
    assert first.status_code == 201
    assert first.json()["vertebrae"] == ["T1", "L5"]
    moved = corners()
    moved["corners"][0] = [2.5, 4]
    assert client.post(place, json=moved, headers=WRITE).json()["version"] == 2
    assert client.get(place).json()["corners"] == moved["corners"]
    assert client.get(f"{place}?version=1").json()["corners"] == corners()["corners"]
    assert is_refusal(client.get(f"{place}?version=3"), 404)


def test_corrections_are_regions_as_every_other_room_reads_them(tmp_path):
    from spondyl.data import regions

    with room(tmp_path) as client:
        (one,) = read(client, film())
        client.post(f"/api/readings/{one['id']}/regions", json=corners(), headers=WRITE)
    (file,) = tmp_path.rglob("regions/0001/*.json")
    _, found = regions.read(file)
    assert found.image_size == (40, 30)
    assert found.landmarks[:2].tolist() == [[4, 3], [4, 9]]
    assert [box.name for box in found.boxes] == ["T1", "L5"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"corners": [[1, 2]] * 67},
        {"corners": [[1, 2], *[None] * 67]},
        {"corners": [None] * 68},
        {"corners": [*[[1, 2], [1, 2], [1, 2], [31, 2]], *[None] * 64]},
        {"corners": [*[[1, 2], [1, 2], [1, 2], [1, -1]], *[None] * 64]},
        {"corners": [["a", 2]] * 68},
        {"corners": "all"},
        {},
        {"corners": [None] * 68, "image_size": [1, 1]},
    ],
)
def test_corners_that_can_be_of_no_film_are_refused(client, wrong):
    (one,) = read(client, film())
    place = f"/api/readings/{one['id']}/regions"
    assert is_refusal(client.post(place, json=wrong, headers=WRITE), 422)
    assert client.get(place).json() is None


def test_numbers_that_are_none_are_refused_in_words(client):
    (one,) = read(client, film())
    body = '{"corners": [' + ", ".join(["[NaN, Infinity]"] * 68) + "]}"
    headers = WRITE | {"Content-Type": "application/json"}
    answer = client.post(f"/api/readings/{one['id']}/regions", content=body, headers=headers)
    assert is_refusal(answer, 422)
