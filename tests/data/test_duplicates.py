"""One film under many names is found; films of two people stay two."""

import io
from itertools import pairwise

import cv2
import numpy as np
import pytest
from PIL import Image

from spondyl.data.duplicates import finding as duplicates
from spondyl.data.duplicates.fingerprints import MIRRORED_BINS, fingerprint
from spondyl.data.radiograph import FileFacts, Radiograph
from spondyl.errors import SpondylError
from spondyl.files import sha256_of_file


def drawn_film(seed, height=420, width=200):
    """A column of vertebrae and ribs like everybody's, in tissue like nobody else's."""
    rng = np.random.default_rng(seed)
    film = np.full((height, width), 0.3, np.float32)
    for soft, strength in ((40, 0.25), (8, 0.12), (2, 0.05)):
        tissue = cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), soft)
        film += strength * (tissue / tissue.std()).astype(np.float32)
    for row in range(20, height - 20, 40):
        middle = width // 2 + int(rng.integers(-4, 5))
        cv2.rectangle(film, (middle - 28, row), (middle + 28, row + 30), 0.75, 2)
        cv2.ellipse(film, (middle, row), (85, 22), 0, 0, 180, 0.7, 2)
    return np.clip(film, 0, 1)


def scaled(film, factor):
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.clip(cv2.resize(film, None, fx=factor, fy=factor, interpolation=way), 0, 1)


def saved_as_jpeg(film, quality):
    stream = io.BytesIO()
    Image.fromarray(np.round(255 * film).astype(np.uint8)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream), np.float32) / 255


def turned(film, degrees):
    height, width = film.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(film, matrix, (width, height))


COPIES = {
    "a crop": lambda film: film[60:360, 20:170],
    "smaller": lambda film: scaled(film, 0.5),
    "larger": lambda film: scaled(film, 1.6),
    "brighter, of other contrast": lambda film: np.clip(0.15 + 0.7 * film, 0, 1) ** 1.5,
    "darker": lambda film: film / 16,
    "a poor JPEG": lambda film: saved_as_jpeg(film, 40),
    "mirrored": lambda film: film[:, ::-1],
    "turned a little": lambda film: turned(film, 6),
    "with a border": lambda film: np.pad(film, 40),
    "squeezed": lambda film: cv2.resize(film, (200, 380), interpolation=cv2.INTER_AREA),
    "all at once": lambda film: saved_as_jpeg(scaled(film[20:390, 10:180], 0.75) ** 0.7, 60),
}


@pytest.fixture(scope="module")
def strangers():
    return {f"stranger {seed}": drawn_film(seed) for seed in range(4)}


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_shares_a_group_with_its_film_and_with_nobody_else(kind, strangers):
    copy = np.ascontiguousarray(COPIES[kind](strangers["stranger 3"]), np.float32)
    (group,) = duplicates.find([*strangers.items(), ("copy", copy)])
    assert group.image_ids == ("copy", "stranger 3")
    (link,) = group.links
    assert link.method == "same picture"
    assert link.mirrored == (kind == "mirrored")
    assert link.correlation >= duplicates.LEAST_CORRELATION


def test_films_of_different_people_stay_apart(strangers):
    assert duplicates.find(strangers.items()) == ()


def test_a_link_says_how_the_films_lie():
    film = drawn_film(1)
    copy = turned(scaled(film, 0.5), -5)
    ((link,),) = (group.links for group in duplicates.find([("a", film), ("b", copy)]))
    assert (link.first, link.second) == ("a", "b")
    assert link.scale == pytest.approx(0.5, abs=0.01)
    assert link.rotation_degrees == pytest.approx(5, abs=0.3)
    assert 0.9 < link.overlap <= 1


def test_crops_are_joined_in_a_chain():
    film = drawn_film(2, height=640)
    thirds = [(f"crop {top}", film[top : top + 320]) for top in (0, 160, 320)]
    (group,) = duplicates.find(thirds)
    assert group.image_ids == ("crop 0", "crop 160", "crop 320")
    assert {(link.first, link.second) for link in group.links} >= set(pairwise(group.image_ids))


def test_one_marker_on_two_films_does_not_join_them():
    marker = np.zeros((420, 200), np.uint8)
    cv2.putText(marker, "R 14 cm", (10, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 3)
    films = [np.where(marker > 0, np.float32(1), drawn_film(seed)) for seed in (4, 5)]
    assert duplicates.find([("a", films[0]), ("b", films[1])]) == ()


def test_the_same_bones_in_other_tissue_are_another_exposure():
    bones = drawn_film(6)
    tissue = cv2.GaussianBlur(np.random.default_rng(0).standard_normal(bones.shape), (0, 0), 3)
    later = bones.copy()
    away_from_spine = np.abs(np.arange(bones.shape[1]) - bones.shape[1] // 2) > 45
    later[:, away_from_spine] = (0.5 + 0.15 * tissue / tissue.std())[:, away_from_spine]
    assert duplicates.find([("first", bones), ("later", later)]) == ()


def test_the_order_of_the_films_does_not_matter(strangers):
    films = [*strangers.items(), ("copy", strangers["stranger 0"][100:, 20:])]
    once = duplicates.find(films)
    assert once == duplicates.find(films[::-1])
    assert len(once) == 1


@pytest.mark.parametrize("size", [(8, 8), (31, 400), (300, 200)])
def test_tiny_and_blank_films_match_nothing(size):
    blank = np.full(size, 0.5, np.float32)
    tiny = np.random.default_rng(0).random((12, 12), np.float32)
    assert duplicates.find([("a", blank), ("b", blank), ("c", tiny), ("d", tiny)]) == ()


def test_no_films_and_one_film_have_no_duplicates():
    assert duplicates.find([]) == ()
    assert duplicates.find([("only", drawn_film(0))]) == ()


def test_the_mirrored_descriptor_is_that_of_the_mirrored_film():
    film = drawn_film(7)
    plain = fingerprint("f", film).mirrored()
    drawn = fingerprint("f", np.ascontiguousarray(film[:, ::-1]))
    apart = np.abs(plain.places[:, None] - drawn.places)
    strange = np.abs(np.log(drawn.frames / plain.frames[:, None]))
    mine, theirs = np.nonzero((apart < 1) & (strange < 0.1))
    differences = plain.descriptors[mine].astype(float) - drawn.descriptors[theirs]
    assert len(set(mine)) > 0.5 * len(plain.places)
    assert np.median(np.linalg.norm(differences, axis=1)) < 60  # unrelated ones: about 500
    assert sorted(MIRRORED_BINS) == list(range(128))


def radiograph(folder, name, film):
    path = folder / name
    Image.fromarray(np.round(255 * film).astype(np.uint8)).save(path)
    height, width = film.shape
    facts = FileFacts("PNG", height, width, "L", path.stat().st_size, None, sha256_of_file(path))
    return Radiograph(name, path, None, name, facts)


def test_files_of_the_same_bytes_are_linked_however_small_they_are(tmp_path):
    film, tiny = drawn_film(8), drawn_film(9)[:16, :16]
    drawings = {"a.png": film, "b.png": film, "c.png": film[50:], "y.png": tiny, "z.png": tiny}
    films = [radiograph(tmp_path, *item) for item in drawings.items()]
    three, two = duplicates.find_in(films)
    assert three.image_ids == ("a.png", "b.png", "c.png")
    assert [link.method for link in three.links] == ["same bytes", "same picture"]
    assert two.image_ids == ("y.png", "z.png")


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    film = radiograph(tmp_path, "a.png", drawn_film(0))
    film.path.write_bytes(b"no picture")
    with pytest.raises(SpondylError):
        duplicates.find_in([film])


def test_patients_whose_films_are_one_picture_become_one_group():
    link = duplicates.Link("2", "3", "same bytes", 1, 1, 1, 0, mirrored=False, inliers=0)
    found = [duplicates.DuplicateGroup(("2", "3"), (link,))]
    stated = {"1": "ann", "2": "ann", "3": "bea", "4": "bea", "5": "cas"}
    groups = duplicates.groups_of(stated, found)
    assert groups == {"1": "ann", "2": "ann", "3": "ann", "4": "ann", "5": "cas"}
    assert duplicates.groups_of(stated, []) == stated


@pytest.mark.slow
def test_the_real_cohort_has_a_dozen_small_groups(shared):
    root = shared / "data" / "kauh"
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in {".jpg", ".png"})
    films = [
        Radiograph(
            path.relative_to(root).as_posix(),
            path,
            None,
            "",
            FileFacts("JPEG", 0, 0, "RGB", 0, None, sha256_of_file(path)),
        )
        for path in paths
    ]
    groups = duplicates.find_in(films)
    assert 12 <= len(groups) <= 16
    assert all(len(group.image_ids) <= 3 for group in groups)
    assert all(link.correlation > 0.85 for group in groups for link in group.links)
