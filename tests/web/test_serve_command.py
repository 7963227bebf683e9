"""`spondyl serve`: a real bundle in the reading room, and what the command says and refuses."""

import io
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import study_of_phantoms
import torch
from command_line import spondyl
from open_surveys import answer_step, pictures, step, survey
from PIL import Image
from reading_rooms import WRITE, over, read, room
from served import Server

from spondyl.commands.room_reader import RoomReader
from spondyl.data import pixels
from spondyl.data.phantom import drawing, output
from spondyl.explain import explaining
from spondyl.reading.document import document
from spondyl.reading.reading import FILM, Reader
from spondyl.review.folder import save
from spondyl.review.store import open_store
from spondyl.web.room_reading import MEAN


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return study_of_phantoms.made_in(tmp_path_factory.mktemp("made"), n_films=60)


@pytest.fixture(scope="module")
def reader(made):
    return Reader.of(made.of_folds, "cpu")


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """A new film."""
    folder = output.save(
        tmp_path_factory.mktemp("film") / "drawn", drawing.cohort(1, 9, size=(90, 60))
    )
    return next((folder / "films").rglob("*.png"))


def test_the_room_shows_what_the_library_reads(tmp_path, reader, film):
    with room(tmp_path, RoomReader.of(reader, ["grad-cam"])) as client:
        (one,) = read(client, film.read_bytes())
        assert one["state"] == "done", one
        want = document(reader.read(film, FILM))
        assert one["reading"] == want
        (mean,) = (
            m for m in one["maps"] if (m["network"], m["label"]) == (MEAN, want["likeliest"])
        )
        raw = np.load(io.BytesIO(client.get(mean["raw_url"]).content), allow_pickle=False)
        assert np.array_equal(raw, reader.read(film, FILM).heatmap.signed)
        assert mean["peak"] == want["heatmap"]["peak"]


def test_each_network_s_map_is_what_it_says_alone_and_their_mean_is_the_mean(reader, film):
    made = RoomReader.of(reader, ["grad-cam", "hirescam"])
    found = made(film)
    labels = reader.bundle.labels.names
    assert [(m.method, m.label, m.network) for m in found.maps] == [
        (method, label, network)
        for method in ("Grad-CAM", "HiResCAM")
        for label in labels
        for network in (MEAN, "fold-0", "fold-1")
    ]
    maps = {(m.method, m.network, m.label): m for m in found.maps}
    canvas, placement = reader.bundle.preprocessing.apply(pixels.read(film), None)
    image = reader.bundle.preprocessing.normalised(torch.from_numpy(canvas).half()[None])
    for title, method in (("Grad-CAM", "grad-cam"), ("HiResCAM", "hirescam")):
        signed = []
        for fold, network in reader.networks.items():
            want = explaining.explain_labels(network, image, method).signed[0].numpy()
            signed.append(want)
            for column, label in enumerate(labels):
                got = maps[title, f"fold-{fold}", label]
                np.testing.assert_allclose(got.signed, want[column], rtol=1e-4, atol=1e-6)
                heat = placement.on_image(np.maximum(want[column], 0), (90, 60))
                if got.peak > 0:
                    drawn = 255 * heat / got.peak
                    assert np.abs(drawn.clip(0, 255) - got.heat).max() <= 1
        for column, label in enumerate(labels):
            np.testing.assert_allclose(
                maps[title, MEAN, label].signed,
                np.mean(signed, axis=0)[column],
                rtol=1e-4,
                atol=1e-6,
            )


def test_a_bundle_of_one_network_has_no_map_but_its_own(made, film):
    found = RoomReader.of(Reader.of(made.of_one, "cpu"), ["grad-cam"])
    assert found.facts.networks == (MEAN,)
    assert {m.network for m in found(film).maps} == {MEAN}


def test_the_film_is_shown_as_it_is_stored(reader, film):
    found = RoomReader.of(reader, ["grad-cam"])(film)
    with Image.open(film) as stored:
        assert np.abs(found.film.astype(int) - np.asarray(stored.convert("L"), int)).max() <= 1


# the command


@pytest.fixture
def serve(made, tmp_path):
    started = []
    (tmp_path / "tmp").mkdir()

    reading = ("--bundle", str(made.of_folds.folder), "--no-measure", "--device", "cpu")

    def start(*words, bundle=reading):
        started.append(Server(*(bundle or ()), *words, tmp=tmp_path / "tmp"))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_without_a_data_folder_nothing_is_left_when_it_ends(serve, film, tmp_path, by):
    server = serve()
    assert server.address.startswith("http://127.0.0.1:")
    with server.client() as client:
        (one,) = read(client, film.read_bytes())
        assert one["state"] == "done"
        assert any((tmp_path / "tmp").iterdir())
    code, said = server.end(by)
    assert code == 0, said
    assert "not for diagnosis" in said
    assert "deleted when the server ends" in said
    assert not list((tmp_path / "tmp").glob("spondyl-room-*"))


@pytest.mark.slow
def test_what_a_killed_server_leaves_is_cleared_by_the_next_and_its_reader_ends(
    serve, film, tmp_path
):
    killed = serve()
    with killed.client() as client:
        read(client, film.read_bytes())
    (left,) = (tmp_path / "tmp").glob("spondyl-room-*")
    children = children_of(killed.process.pid)
    assert children
    killed.end(signal.SIGKILL)
    assert left.is_dir()
    again = serve()
    assert again.address
    assert not left.exists()
    ends = time.monotonic() + 60
    while any(is_alive(child) for child in children) and time.monotonic() < ends:
        time.sleep(0.1)
    assert not any(is_alive(child) for child in children)
    assert again.end()[0] == 0


def children_of(pid: int) -> list[int]:
    """Processes that a process started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether a process is there and runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.slow
def test_a_survey_is_served_alone_and_its_answers_are_kept_when_the_server_is_killed(
    serve, tmp_path
):
    folder = save(tmp_path / "survey", survey(), pictures(survey()))
    store = open_store(tmp_path / "a.db")
    store.keep(folder)
    token = store.invite("spines", "reader-1").token
    server = serve("--survey", str(folder.path), "--answers", str(tmp_path / "a.db"), bundle=None)
    with server.client() as client:
        assert client.get("/").status_code == 404
        answer_step(client, token, step(client, token)["step"])
    server.end(signal.SIGKILL)
    assert len(store.answers("spines")) == 6
    store.close()


@pytest.mark.slow
def test_a_server_that_is_killed_goes_on_where_it_was(serve, film, tmp_path):
    server = serve("--data", str(tmp_path / "data"))
    with server.client() as client:
        files = [("films", (f"{n}.png", film.read_bytes())) for n in range(6)]
        sent = client.post("/api/readings", files=files, headers=WRITE).json()["readings"]
    server.end(signal.SIGKILL)
    again = serve("--data", str(tmp_path / "data"))
    with again.client() as client:
        assert {over(client, one["id"])["state"] for one in sent} == {"done"}
        for one in sent:
            client.delete(f"/api/readings/{one['id']}", headers=WRITE)
    assert again.end()[0] == 0
    assert not list((tmp_path / "data" / "readings").iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to serve"),
        (["--bundle", "B", "--host", "0.0.0.0"], "--allow-host"),
        (["--bundle", "B", "--database", "postgresql://u@h/d"], "--data"),
        (["--bundle", "B", "--trust-header", "a b"], "--trust-header"),
        (["--bundle", "B", "--no-measure", "--method", "gradcam"], "gradcam"),
        (["--bundle", "B", "--finder", "f", "--no-measure"], "--no-measure"),
        (["--bundle", "B", "--allow-host", "http://x/"], "no name of a machine"),
        (["--bundle", "B", "--no-measure", "--host", "256.256.256.256"], "cannot be listened at"),
        (["--bundle", "B", "--no-measure", "--audit", "gone.html"], "gone.html"),
        (["--survey", "S"], "--answers"),
        (["--survey", "S", "--answers", "a.db", "--data", "D"], "--bundle"),
        (["--survey", "S", "--answers", "a.db"], "no survey is there"),
        (
            ["--bundle", "B", "--survey", "S", "--answers", "a.db", "--host", "192.0.2.1"],
            "two servers",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_in_two_lines(made, capfd, words, said):
    code = spondyl(["serve", *(made.of_folds.folder if w == "B" else w for w in words)])
    told = capfd.readouterr()
    assert (code, told.out) == (2, "")
    assert "error: " in told.err
    assert said in told.err
    assert "hint: " in told.err
