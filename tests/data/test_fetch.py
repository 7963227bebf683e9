"""Fetching the public data set: whole, or nothing at all. No test leaves this machine."""

from __future__ import annotations

import hashlib
import io
import stat
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spondyl.data import cohort, fetch
from spondyl.errors import SpondylError

FOLDERS = {"NormalFinal": 2, "ScolFinal": 3, "SpondFinal": 1}
EXPECTED = {"normal": 2, "scoliosis": 3, "spondylolisthesis": 1}


def film(seed: int) -> bytes:
    stream = io.BytesIO()
    drawn = np.random.default_rng(seed).integers(0, 256, (12, 9), dtype=np.uint8)
    Image.fromarray(drawn).save(stream, "PNG")
    return stream.getvalue()


def members(prefix: str = "") -> dict[str, bytes]:
    return {
        f"{prefix}{folder}/film{number}.png": film(100 * column + number)
        for column, (folder, films) in enumerate(FOLDERS.items())
        for number in range(films)
    }


def zipped(contents: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            member = zipfile.ZipInfo(name)  # dated 1980, so that equal contents are equal bytes
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def archive_of(folder: Path, contents: dict[str, bytes]) -> str:
    path = folder / "given.zip"
    path.write_bytes(zipped(contents))
    return str(path)


def refusal(out: Path, source: str, expected: dict[str, int] = EXPECTED) -> SpondylError:
    """The refusal, after a look that it left nothing behind."""
    before = set(out.parent.iterdir())
    with pytest.raises(SpondylError) as caught:
        fetch.fetch_kauh(out, source, expected=expected)
    assert set(out.parent.iterdir()) == before
    assert "\n" not in caught.value.message
    return caught.value


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = zipped(members("Vertebrae X-ray images/"))
        if self.path == "/missing.zip":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path != "/unannounced.zip":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:300] if self.path == "/broken-off.zip" else content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.mark.parametrize("name", ["data.zip", "unannounced.zip"])
def test_the_data_set_is_downloaded_unpacked_and_said_where_from(tmp_path, address, name):
    told = []

    def track(items, doing, total=None):
        for item in items:
            told.append(doing)
            yield item

    source = f"{address}/{name}"
    out = fetch.fetch_kauh(tmp_path / "kauh", source, track, expected=EXPECTED)
    assert out == tmp_path / "kauh"
    assert cohort.read(out, decode=True).counts == EXPECTED
    text = (out / "SOURCE.txt").read_text()
    for piece in (fetch.DOI, "CC BY 4.0", source, "2 normal"):
        assert piece in text
    assert hashlib.sha256(zipped(members("Vertebrae X-ray images/"))).hexdigest() in text
    assert {"downloading", "reading films"} <= set(told)
    assert {path.name for path in tmp_path.iterdir()} == {"kauh"}
    assert not list(out.rglob("*.zip"))


def test_a_zip_at_hand_is_taken_and_kept(tmp_path):
    source = archive_of(tmp_path, members())
    out = fetch.fetch_kauh(tmp_path / "new" / "kauh", source, expected=EXPECTED)
    assert cohort.read(out).counts == EXPECTED
    assert Path(source).is_file()
    assert "From: given.zip" in (out / "SOURCE.txt").read_text()
    assert str(tmp_path) not in (out / "SOURCE.txt").read_text()


def test_archives_in_the_archive_are_unpacked_one_level_deep(tmp_path):
    by_class = {
        f"data/{folder}.zip": zipped(
            {
                name.partition("/")[2]: content
                for name, content in members().items()
                if name.startswith(folder)
            }
        )
        for folder in FOLDERS
    }
    whole = {"Vertebrae.ZIP": zipped(members("Vertebrae/"))}
    for number, contents in enumerate((by_class, whole)):
        out = fetch.fetch_kauh(
            tmp_path / f"{number}", archive_of(tmp_path, contents), expected=EXPECTED
        )
        assert cohort.read(out).counts == EXPECTED
    refusal(tmp_path / "deep", archive_of(tmp_path, {"a.zip": zipped(whole)}))


@pytest.mark.parametrize("path", ["missing.zip", "broken-off.zip"])
def test_a_download_that_fails_says_how_to_do_it_by_hand(tmp_path, address, path):
    error = refusal(tmp_path / "kauh", f"{address}/{path}")
    assert "cannot be downloaded" in error.message
    assert f"https://doi.org/{fetch.DOI}" in error.hint
    assert "--from FILE.zip" in error.hint


@pytest.mark.parametrize("source", ["http://127.0.0.1:1/x.zip", "http://[bad", "https://"])
def test_without_a_network_the_way_by_hand_is_told(tmp_path, source):
    error = refusal(tmp_path / "kauh", source)
    assert fetch.DOI in error.hint


def test_a_server_that_sends_too_much_is_cut_off(tmp_path, address, monkeypatch):
    monkeypatch.setattr(fetch, "LARGEST_BYTES", 100)
    assert "larger than" in refusal(tmp_path / "kauh", f"{address}/unannounced.zip").message


@pytest.mark.parametrize("name", ["nowhere.zip", "file:///etc/passwd", ""])
def test_a_source_that_is_no_file_is_refused(tmp_path, name):
    assert "no such file" in refusal(tmp_path / "kauh", name).message


@pytest.mark.parametrize(
    "name",
    ["../escaped.png", "/escaped.png", "a/../../escaped.png", "..\\escaped.png", "C:\\x.png"],
)
def test_a_member_that_would_leave_the_folder_is_refused(tmp_path, name):
    source = archive_of(tmp_path, {**members(), name: film(1000)})
    assert "outside the folder" in refusal(tmp_path / "kauh", source).message
    assert not list(tmp_path.parent.glob("escaped*"))


def test_a_link_in_the_archive_is_refused(tmp_path):
    path = tmp_path / "given.zip"
    link = zipfile.ZipInfo("NormalFinal")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc")
    assert "outside the folder" in refusal(tmp_path / "kauh", str(path)).message


def test_an_archive_that_swells_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "LARGEST_BYTES", 1 << 20)
    source = archive_of(tmp_path, {"NormalFinal/zeros.png": bytes(1 << 21)})
    assert "unpacks to more" in refusal(tmp_path / "kauh", source).message
    nested = archive_of(tmp_path, {"a.zip": zipped({"zeros.png": bytes(1 << 21)})})
    assert "unpacks to more" in refusal(tmp_path / "kauh", nested).message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "given.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for seed in (1, 2):
            archive.writestr("NormalFinal/film.png", film(seed))
    assert "twice" in refusal(tmp_path / "kauh", str(path)).message


def test_a_damaged_archive_is_refused(tmp_path):
    whole = zipped(members())
    stored = whole.find(b"PNG") if b"PNG" in whole else len(whole) // 4
    flipped = bytearray(whole)
    flipped[stored : stored + 20] = bytes(20)
    for content in (b"", b"no zip", whole[: len(whole) // 2], bytes(flipped)):
        (tmp_path / "given.zip").write_bytes(content)
        refusal(tmp_path / "kauh", str(tmp_path / "given.zip"))


def test_another_count_of_films_is_refused_with_both_counts(tmp_path):
    source = archive_of(tmp_path, members())
    error = refusal(tmp_path / "kauh", source, {**EXPECTED, "normal": 71})
    assert "holds 2 normal, 3 scoliosis, 1 spondylolisthesis" in error.message
    assert "71 normal" in error.message


@pytest.mark.parametrize(
    "contents",
    [
        {"readme.txt": b"nothing here"},
        {"cats/film.png": film(1)},
        {**members(), "NormalFinal/broken.png": film(5)[:60]},
    ],
)
def test_an_archive_of_other_things_or_of_a_broken_film_is_refused(tmp_path, contents):
    error = refusal(tmp_path / "kauh", archive_of(tmp_path, contents))
    assert "does not hold the data set" in error.message
    assert ".kauh." not in error.message


def test_a_folder_that_is_there_is_never_filled_or_overwritten(tmp_path):
    out = tmp_path / "kauh"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert "is there already" in refusal(out, archive_of(tmp_path, members())).message
    assert (out / "mine.txt").read_text() == "mine"


def test_the_counts_expected_of_the_real_data_set_are_those_of_the_paper():
    assert dict(fetch.KAUH_COUNTS) == {"normal": 71, "scoliosis": 188, "spondylolisthesis": 79}
    assert fetch.URL.startswith("https://data.mendeley.com/")
