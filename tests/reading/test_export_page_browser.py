"""What a browser makes of an exported page: its answers are ours, and no film leaves it.

The runtime is npm's package, and no test fetches it: `.ci/programs` does, into the user's cache, or
`SPONDYL_ORT_WEB` names a folder where it is unpacked.
"""

import functools
import os
import re
from pathlib import Path

import numpy as np
import pytest
import study_of_phantoms
from exported_pages import WAIT_MS, Page, Quiet, bytes_of, drawn, served, wait_until
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from spondyl.data import pixels
from spondyl.data.placement import Placement
from spondyl.explain import overlay
from spondyl.reading.exporting import page
from spondyl.reading.exporting.session import Session

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
"""The user's own, asked before tests are sent away from it."""
UNPACKED = CACHE / "spondyl-tests" / f"onnxruntime-web-{page.TRIED}" / "package"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return study_of_phantoms.made_in(tmp_path_factory.mktemp("made"), n_films=60)


@pytest.fixture(scope="module")
def runtime():
    named = os.environ.get("SPONDYL_ORT_WEB")
    folder = Path(named) if named else UNPACKED
    if not folder.is_dir():
        pytest.skip(
            f"no {page.PACKAGE}: neither SPONDYL_ORT_WEB nor {folder}; .ci/programs fetches it"
        )
    return page.Runtime.found(folder)


@pytest.fixture(scope="module")
def exported(made, runtime, tmp_path_factory):
    """A page on a server that knows nothing but files."""
    out = tmp_path_factory.mktemp("exported") / "page"
    page.export_page(made.of_folds, out, runtime=runtime)
    server, address = served(functools.partial(Quiet, directory=str(out)))
    yield out, address
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def opened(browser, exported):
    context = browser.new_context(service_workers="block")
    yield Page(context.new_page(), *exported)
    context.close()


def test_a_page_s_probabilities_and_heatmap_are_onnx_runtime_s_and_nothing_leaves(opened, made):
    film = drawn()
    shown = opened.read(bytes_of(film))
    grey = np.asarray(film, np.float32) / 255
    found = Session.open(opened.folder / "reader.onnx").run(grey[None])
    names = made.of_folds.labels.names
    assert list(shown) == [names[column] for column in np.argsort(-found.probabilities)]
    expected = dict(zip(names, map(float, found.probabilities), strict=True))
    assert shown == pytest.approx(expected, abs=1e-4)
    assert opened.tab.locator("#label").inner_text() == f"Likeliest: {names[found.predicted]}"

    placement = Placement.fit(film.size[::-1], made.of_folds.preprocessing.size, "stretch")
    cells = np.maximum(found.heatmap, 0)
    heat = placement.on_image(cells)
    expected_picture = overlay.draw(grey, heat, float(cells.max()))
    picture = opened.canvas()
    assert (heat > 0.3 * cells.max()).any()
    assert np.abs(picture.astype(int) - expected_picture.astype(int)).max() <= 2
    assert opened.tab.locator("#hottest").inner_text().startswith(f"{cells.max():.3g}"[:4])
    opened.tab.locator("#show-heat").uncheck()
    assert np.array_equal(opened.canvas(), overlay.bare(grey))
    opened.tab.locator("#show-heat").check()

    assert opened.asked
    assert all(
        method == "GET" and url.startswith((opened.address, "data:", "blob:" + opened.address))
        for method, url in opened.asked
    )
    assert opened.tab.evaluate("window.violations") == []
    assert opened.complaints == []


SENDING = """async (to) => {
    new Image().src = to + 'picture';
    navigator.sendBeacon(to + 'beacon', 'film');
    const fetched = fetch(to + 'fetched', { method: 'POST', mode: 'no-cors', body: 'film' });
    return fetched.then(() => 'sent', () => 'stopped');
}"""


def test_a_script_that_would_send_a_film_elsewhere_is_stopped_by_the_policy(opened):
    arrived = set()

    class Elsewhere(Quiet):
        def do_GET(self) -> None:  # noqa: N802
            arrived.add(self.path)
            self.send_error(404)

        do_POST = do_GET  # noqa: N815

    server, address = served(Elsewhere)
    tab = opened.tab.context.new_page()
    tab.goto(f"{opened.address}page.css")  # of the same server, without a policy
    assert tab.evaluate(SENDING, address) == "sent"
    wait_until(lambda: arrived == {"/picture", "/beacon", "/fetched"})
    arrived.clear()
    tab.close()
    page_ = Page(opened.tab.context.new_page(), opened.folder, opened.address)
    assert page_.tab.evaluate(SENDING, address) == "stopped"
    assert len(page_.tab.evaluate("window.violations")) == 3
    page_.tab.close()
    server.shutdown()
    server.server_close()
    assert arrived == set()


def test_the_page_says_what_it_is_for_and_what_it_does_not_do(opened, made):
    text = opened.tab.locator("main").inner_text()
    assert "For research, not for diagnosis." in text
    assert made.of_folds.bundle_id in text
    assert made.of_folds.intended_use.split("\n")[0] in text
    assert "does not refuse strange films" in text
    opened.read(bytes_of(drawn((20, 24))))
    assert "it was enlarged" in opened.tab.locator("#remarks").inner_text()


def test_once_loaded_it_reads_without_a_network_and_asks_for_nothing_more(opened):
    asked = len(opened.asked)
    opened.tab.context.set_offline(True)
    try:
        assert sum(
            opened.read(bytes_of(drawn((90, 70))))[name]
            for name in opened.read(bytes_of(drawn((90, 70))))
        ) == pytest.approx(1, abs=1e-5)
    finally:
        opened.tab.context.set_offline(False)
    assert len(opened.asked) == asked


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return bytes_of(drawn((64, 40)), "JPEG", quality=90, exif=exif)


def gamma() -> bytes:
    told = PngInfo()
    told.add(b"gAMA", (200_000).to_bytes(4, "big"))
    return bytes_of(drawn(), pnginfo=told)


def colours() -> Image.Image:
    grey = np.asarray(drawn())
    return Image.fromarray(np.stack([grey, grey // 2, 255 - grey], axis=-1))


def profiled() -> bytes:
    """Colours under a profile that calls red blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    marks = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}
    swapped = re.sub(b"rXYZ|bXYZ", lambda found: marks[found[0]], profile)
    assert swapped != profile
    return bytes_of(colours(), icc_profile=swapped)


ALIKE = {
    "grey": lambda: bytes_of(drawn()),
    "with a gamma": gamma,
    "with a colour profile": profiled,
    "of a palette": lambda: bytes_of(drawn().quantize(16)),
    "of one bit": lambda: bytes_of(drawn(mode="1")),
    "of colours": lambda: bytes_of(colours()),
    "JPEG": lambda: bytes_of(drawn(), "JPEG"),
    "progressive JPEG": lambda: bytes_of(drawn(), "JPEG", progressive=True),
    **{f"JPEG turned {n}": functools.partial(turned, n) for n in range(1, 9)},
}


@pytest.mark.parametrize("file", ALIKE)
def test_a_browser_s_greys_are_those_of_the_one_door_for_pixels(opened, tmp_path, file):
    (tmp_path / "film").write_bytes(ALIKE[file]())
    expected = pixels.read(tmp_path / "film").grey
    found = opened.decoded(ALIKE[file]())
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-6


def test_colours_of_a_jpeg_are_as_near_as_two_decoders_come(opened, tmp_path):
    (tmp_path / "film").write_bytes(bytes_of(colours(), "JPEG"))
    expected = pixels.read(tmp_path / "film").grey
    found = opened.decoded((tmp_path / "film").read_bytes())
    assert np.abs(found - expected).max() <= 2 / 255


def with_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return bytes_of(drawn(), exif=exif)


def moving() -> bytes:
    other = drawn(kind="normal")
    return bytes_of(drawn(), save_all=True, append_images=[other])


REFUSED = {
    "16 bits": lambda: bytes_of(Image.fromarray(np.arange(4096, dtype="u2").reshape(64, 64))),
    "PNG with EXIF": with_exif,
    "several pictures": moving,
    "CMYK": lambda: bytes_of(drawn(mode="CMYK"), "JPEG"),
    "transparent": lambda: bytes_of(Image.merge("LA", [drawn(), drawn()])),
    "every pixel has the same value": lambda: bytes_of(Image.new("L", (40, 40), 9)),
    "cannot decode": lambda: bytes_of(drawn())[:900],
    "too small": lambda: bytes_of(drawn((5, 60))),
    "neither JPEG nor PNG": lambda: b"DICM" * 99,
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_a_browser_would_change_in_silence_is_refused_and_said(opened, why):
    assert why in opened.refused(REFUSED[why]())
    assert opened.complaints == []


def test_a_browser_that_gives_other_greys_reads_nothing(browser, exported):
    context = browser.new_context()
    tab = context.new_page()
    tab.set_default_timeout(WAIT_MS)
    tab.add_init_script(
        """const given = CanvasRenderingContext2D.prototype.getImageData;
        CanvasRenderingContext2D.prototype.getImageData = function (...of) {
            const found = given.apply(this, of);
            found.data[40] ^= 1;
            return found;
        }"""
    )
    tab.goto(exported[1])
    tab.wait_for_selector("#failed:not([hidden])")
    assert "does not give the greys of a picture as they are" in tab.inner_text("#failed")
    assert tab.locator("#file").is_disabled()
    context.close()


@pytest.mark.parametrize("size", [(160, 110), (31, 90), (333, 150), (20, 21)])
def test_a_map_lies_on_a_film_as_placement_lays_it(opened, size):
    cells = np.random.default_rng(5).normal(size=(4, 6)).astype(np.float32)
    for fit in ("stretch", "letterbox"):
        grid = (32, 48)
        expected = Placement.fit(size, grid, fit).on_image(cells)
        found = opened.tab.evaluate(
            """async ([cells, shape, size, grid, fit]) => {
                const { onFilm, placed } = await import('./placement.js');
                return [...onFilm(Float32Array.from(cells), shape, placed(size, grid, fit), size)];
            }""",
            [cells.ravel().tolist(), cells.shape, size, grid, fit],
        )
        assert np.array(found).reshape(size) == pytest.approx(expected, abs=1e-5)


def test_heat_against_a_label_is_drawn_as_on_paper(opened):
    film = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    heat = np.linspace(-2, 2, 256, dtype=np.float32).reshape(16, 16)
    found = opened.tab.evaluate(
        """async ([film, heat]) => {
            const { over } = await import('./heat.js');
            return film.map((grey, at) => over(grey, heat[at] / 2));
        }""",
        [(255 * film).ravel().tolist(), heat.ravel().tolist()],
    )
    expected = overlay.draw_signed(film, heat, 2.0).astype(int)
    assert np.abs(np.array(found).reshape(16, 16, 3) - expected).max() <= 1
