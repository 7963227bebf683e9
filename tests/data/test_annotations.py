"""What other tools marked arrives on the image grid, or is refused with all that is wrong."""

from __future__ import annotations

import base64
import io
import json
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from spondyl.data import regions as our_own
from spondyl.data.annotations import marks as marks_of_a_file
from spondyl.data.annotations.outlines import add_polygon, from_runs
from spondyl.data.annotations.reading import SPINE, VERTEBRAE, match, read
from spondyl.data.cohort import Cohort
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.radiograph import FileFacts, Radiograph
from spondyl.data.regions import Box, Regions
from spondyl.errors import SpondylError

HEIGHT, WIDTH = 9, 7
QUADRANGLE = [(1.5, 1.0), (5.0, 2.25), (4.5, 7.0), (0.75, 6.0)]  # (x, y) from the film's corner
QUARTERS = st.integers(-4, 36).map(lambda quarters: quarters / 4)


# --- slow oracles, from the definitions ----------------------------------------------------------


def encloses(corners, row, column) -> bool:
    """Even-odd: how often a ray to the left of the point crosses the outline, in fractions."""
    crossings = 0
    for (r0, c0), (r1, c1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (r0 <= row) != (r1 <= row):
            at = Fraction(c0) + (Fraction(row) - Fraction(r0)) * (Fraction(c1) - Fraction(c0)) / (
                Fraction(r1) - Fraction(r0)
            )
            crossings += at <= column
    return crossings % 2 == 1


def slow_mask(corners, size=(HEIGHT, WIDTH)):
    return np.array([[encloses(corners, r, c) for c in range(size[1])] for r in range(size[0])])


def mask_of_xy(points):
    """The mask of (x, y) points that count from the corner of the first pixel."""
    return slow_mask([(y - 0.5, x - 0.5) for x, y in points])


def runs_of(flat) -> list[int]:
    """Run lengths, of False first."""
    runs, current = [0], False
    for pixel in flat:
        if bool(pixel) == current:
            runs[-1] += 1
        else:
            runs.append(1)
            current = bool(pixel)
    return runs


def coco_string(counts) -> str:
    """COCO's compressed run lengths: differences, then five bits a character, lowest first."""
    text = ""
    for i, count in enumerate(counts):
        rest = count - counts[i - 2] if i > 2 else count
        while True:
            five, rest = rest & 31, rest >> 5
            finished = rest == (-1 if five & 16 else 0)
            text += chr(48 + five + (0 if finished else 32))
            if finished:
                break
    return text


def drawn_masks():
    return st.lists(st.booleans(), min_size=HEIGHT * WIDTH, max_size=HEIGHT * WIDTH).map(
        lambda pixels: np.array(pixels).reshape(HEIGHT, WIDTH)
    )


# --- outlines ------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(QUARTERS, QUARTERS), min_size=3, max_size=8))
def test_a_polygon_holds_the_pixels_whose_centres_it_encloses(corners):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    add_polygon(mask, np.array(corners))
    np.testing.assert_array_equal(mask, slow_mask(corners))


@settings(max_examples=40, deadline=None)
@given(QUARTERS, QUARTERS)
def test_neighbours_that_share_edges_share_no_pixel_and_leave_none_out(row, column):
    border = [(-0.5, -0.5), (-0.5, 6.5), (8.5, 6.5), (8.5, -0.5)]
    middle = (min(row, 8.0), min(column, 6.0))
    times = np.zeros((HEIGHT, WIDTH), int)
    for corner, following in zip(border, [*border[1:], border[0]], strict=True):
        mask = np.zeros((HEIGHT, WIDTH), bool)
        add_polygon(mask, np.array([corner, following, middle]))
        times += mask
    inside = middle[0] >= -0.5 and middle[1] >= -0.5
    assert not inside or (times == 1).all()


def test_an_outline_that_crosses_itself_is_hollow_where_it_goes_round_twice():
    star = [(0, 4), (8, 7), (3, 0), (3, 8), (8, 1)]
    mask = np.zeros((9, 9), bool)
    add_polygon(mask, np.array(star, float))
    assert not mask[4, 4]
    assert mask[2, 4]


@given(st.lists(st.integers(0, 5), max_size=12))
def test_run_lengths_alternate_and_begin_with_background(counts):
    slow = [i % 2 == 1 for i, count in enumerate(counts) for _ in range(count)]
    assert from_runs(counts, sum(counts)).tolist() == slow
    with pytest.raises(ValueError, match="not"):
        from_runs(counts, sum(counts) + 1)


# --- LabelMe -------------------------------------------------------------------------------------


def png(mask, mode="L") -> str:
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8)).convert(mode).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def shape(label, kind, points, mask=None):
    """A shape as LabelMe 5 writes it."""
    return {
        "label": label,
        "points": [list(point) for point in points],
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": mask,
    }


def labelme(folder: Path, *shapes, name="N1.jpg", **changes) -> Path:
    document = {
        "version": "5.4.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": name,
        "imageData": None,
        "imageHeight": HEIGHT,
        "imageWidth": WIDTH,
    }
    path = folder / "marks.txt"
    path.write_text(json.dumps(document | changes))
    return path


def test_labelme_s_shapes_arrive_on_pixel_centres(tmp_path):
    block = np.array([[1, 0], [1, 1], [0, 1]])
    path = labelme(
        tmp_path,
        shape("Spine", "polygon", QUADRANGLE),
        shape("spine", "mask", [(5.0, 6.0), (6.0, 8.0)], png(block)),
        shape("apex", "point", [(2.5, 4.5)]),
        shape("marker", "rectangle", [(3, 4), (0.5, 1)]),
    )
    found = read(path)["N1.jpg"]
    expected = mask_of_xy(QUADRANGLE)
    expected[6:9, 5:7] |= block.astype(bool)
    np.testing.assert_array_equal(found.spine_mask, expected)
    assert found.targets == ((4.0, 2.0),)
    assert found.boxes == (Box("marker", 0.5, 0.0, 3.5, 2.5),)
    assert found.made_by == "LabelMe 5.4.1"
    assert found.image_size == (HEIGHT, WIDTH)


def test_vertebrae_are_the_spine_where_the_caller_says_so(tmp_path):
    upper, lower = [(1, 1), (4, 1), (4, 3), (1, 3)], [(2, 5), (5, 5), (5, 8), (2, 8)]
    path = labelme(tmp_path, shape("L4", "polygon", upper), shape("l5", "polygon", lower))
    with pytest.raises(SpondylError, match=r"2 problems.*nobody said what the label 'L4' means"):
        read(path)
    found = read(path, spine=(*SPINE, *VERTEBRAE))["N1.jpg"]
    np.testing.assert_array_equal(found.spine_mask, mask_of_xy(upper) | mask_of_xy(lower))
    assert read(path, ignored=["L4", "L5"])["N1.jpg"].spine_mask is None


@settings(max_examples=25, deadline=None)
@given(drawn_masks())
def test_a_labelme_mask_comes_back_pixel_by_pixel(tmp_path_factory, mask):
    corners = [(0, 0), (WIDTH - 1, HEIGHT - 1)]
    path = labelme(tmp_path_factory.mktemp("x"), shape("spine", "mask", corners, png(mask)))
    np.testing.assert_array_equal(read(path)["N1.jpg"].spine_mask, mask)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (shape("spine", "circle", [(1, 1), (2, 2)]), "'circle' is not read"),
        (shape("spine", "polygon", [(1, 1), (2, 2)]), "outline of 2 points"),
        (shape("spine", "polygon", [(1, 1), (2, 2), (90, 3)]), "outside the film of 9 × 7"),
        (shape("spine", "polygon", [(1, 1), (2, 2), (float("nan"), 3)]), "finite number"),
        (shape("spine", "point", [(1, 1)]), "stands for an area and is drawn as a point"),
        (shape("apex", "polygon", QUADRANGLE), "stands for a point"),
        (shape("apex", "point", [(7.5, 1)]), "outside the film"),
        (shape("text", "rectangle", [(1, 1), (1, 5)]), "without any area"),
        (shape("text", "rectangle", [(1, 1)]), "a rectangle with 1 points"),
        (shape("spine", "mask", [(0, 0), (3, 3)], png(np.ones((4, 5)))), "its points say 4 × 4"),
        (shape("spine", "mask", [(5, 0), (8, 3)], png(np.ones((4, 4)))), "columns 5 to 9"),
        (shape("spine", "mask", [(0, 0), (3, 3)], png(np.ones((4, 4)), "RGB")), "not grey"),
        (shape("spine", "mask", [(0, 0), (3, 3)], "no PNG!"), "cannot be read"),
        (shape("spine", "mask", [(0, 0), (3, 3)], png(np.ones((4, 4)))[:-40]), "cannot be read"),
        (shape("spine", "mask", [(0, 0), (3, 3)]), "cannot be read"),
        ({"label": "spine"}, "Field required"),
    ],
)
def test_a_wrong_labelme_shape_is_refused_by_its_number(tmp_path, wrong, said):
    path = labelme(tmp_path, shape("spine", "polygon", QUADRANGLE), wrong)
    with pytest.raises(SpondylError, match=said) as refusal:
        read(path)
    assert refusal.value.hint
    assert "shape 2" in refusal.value.message or "shapes.1." in refusal.value.message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"imageHeight": 10**6, "imageWidth": 10**6}, "1000000 × 1000000"),
        ({"imageHeight": -9}, "-9 × 7"),
        ({"imageHeight": 10**400}, "0 × 7 pixels"),
        ({"imagePath": ""}, "without a name"),
        ({"shapes": None}, "shapes"),
    ],
)
def test_a_lying_labelme_file_is_refused(tmp_path, changes, said):
    with pytest.raises(SpondylError, match=said):
        read(labelme(tmp_path, **changes))


# --- CVAT ----------------------------------------------------------------------------------------


def cvat(folder: Path, *images: str, head: str = "", version: str = "1.1") -> Path:
    path = folder / "annotations"
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n{head}<annotations>\n'
        f"<version>{version}</version>\n<meta><job><id>4</id>"
        "<assignee><username>anna</username><email></email></assignee></job></meta>\n"
        + "\n".join(images)
        + "\n</annotations>\n",
        encoding="utf-8",
    )
    return path


def image(*shapes: str, name="a/N1.jpg", size=(HEIGHT, WIDTH)) -> str:
    inside = "".join(shapes)
    return f'<image id="0" name="{name}" width="{size[1]}" height="{size[0]}">{inside}</image>'


def cvat_points(points) -> str:
    return ";".join(f"{x:.2f},{y:.2f}" for x, y in points)


def cvat_mask(mask, label="spine", cut=0) -> str:
    """A mask within the rectangle of its pixels, rows first, as CVAT writes it."""
    rows, columns = np.nonzero(mask)
    top, left = int(rows.min()), int(columns.min())
    part = mask[top : rows.max() + 1, left : columns.max() + 1]
    rle = ", ".join(map(str, runs_of(part.ravel())[cut:]))
    return (
        f'<mask label="{label}" source="manual" occluded="0" rle="{rle}" left="{left}" '
        f'top="{top}" width="{part.shape[1]}" height="{part.shape[0]}" z_order="0"></mask>'
    )


def test_cvat_s_shapes_of_several_films_arrive_on_pixel_centres(tmp_path):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[3:6, 2:5] = [[True, False, True], [False, True, True], [True, True, False]]
    first = image(
        f'<polygon label="spine" points="{cvat_points(QUADRANGLE)}" z_order="0"></polygon>',
        '<points label="Apex" points="2.50,4.50;3.00,1.00"><attribute name="a">b</attribute>'
        "</points>",
        '<box label="marker" xtl="0.50" ytl="1.00" xbr="3.00" ybr="4.00"></box>',
        '<tag label="scoliosis" source="manual"></tag>',
    )
    path = cvat(tmp_path, first, image(cvat_mask(mask), name="N2.jpg"), image(name="N3.jpg"))
    found = read(path)
    assert list(found) == ["a/N1.jpg", "N2.jpg", "N3.jpg"]
    one, two, three = found.values()
    np.testing.assert_array_equal(one.spine_mask, mask_of_xy(QUADRANGLE))
    np.testing.assert_array_equal(two.spine_mask, mask)
    assert three.spine_mask is None
    assert one.targets == ((4.0, 2.0), (0.5, 2.5))
    assert one.boxes == (Box("marker", 0.5, 0.0, 3.5, 2.5),)
    assert one.made_by == "CVAT, anna"


@settings(max_examples=25, deadline=None)
@given(drawn_masks().filter(np.any))
def test_a_cvat_mask_comes_back_pixel_by_pixel(tmp_path_factory, mask):
    path = cvat(tmp_path_factory.mktemp("x"), image(cvat_mask(mask)))
    np.testing.assert_array_equal(read(path)["a/N1.jpg"].spine_mask, mask)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (cvat_mask(np.eye(7, dtype=bool)[:3, ::-1], cut=1), "run lengths cover 7"),
        ('<mask label="spine" rle="9,x" left="0" top="0" width="3" height="3"/>', "rle"),
        ('<mask label="spine" rle="9" left="5" top="0" width="3" height="3"/>', "columns 5 to 8"),
        ('<mask label="spine" rle="9" left="0" top="0" width="99999" height="9"/>', "9 × 99999"),
        ('<mask label="spine" rle="5,-1,5" left="0" top="0" width="3" height="3"/>', "negative"),
        ('<polygon label="spine" points="1,1;2;3,3"/>', "points"),
        ('<polygon label="spine" points="1,1;2,nan;3,3"/>', "finite"),
        ('<polygon points="1,1;2,2;3,3"/>', "no label"),
        ('<cuboid label="spine"/>', "'cuboid' is not read"),
        ('<box label="b" xtl="1" ytl="1" xbr="3" ybr="3" rotation="30.00"/>', "rotation"),
        ('<box label="b" xtl="1" ytl="1" xbr="3"/>', "Field required"),
        ('<points label="rib" points="1,1"/>', "'rib'"),
    ],
)
def test_a_wrong_cvat_shape_is_refused_by_its_place(tmp_path, wrong, said):
    with pytest.raises(SpondylError, match=said) as refusal:
        read(cvat(tmp_path, image(wrong)))
    assert "a/N1.jpg, shape 1" in refusal.value.message
    assert refusal.value.hint


def test_all_that_is_wrong_with_a_file_is_said_at_once(tmp_path):
    path = cvat(
        tmp_path,
        image('<polygon label="spine" points="1,1;2,2"/>', '<points label="rib" points="1,1"/>'),
        image(name="a/N1.jpg"),
        image(name="N4.jpg", size=(99999, 99999)),
        '<image id="3" name="N5.jpg" width="wide" height="9"/>',
    )
    with pytest.raises(SpondylError) as refusal:
        read(path)
    assert len(refusal.value.problems) == 5


def test_entities_cannot_explode(tmp_path):
    bomb = '<!DOCTYPE a [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {name} "{f"&{inner};" * 10}">'
        for inner, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    tracemalloc.start()
    with pytest.raises(SpondylError, match="document type"):
        read(cvat(tmp_path, image('<tag label="&i;"/>'), head=bomb + "]>"))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_file_outside_the_annotations_cannot_be_drawn_in(tmp_path):
    (tmp_path / "secret").write_text("secret")
    head = f'<!DOCTYPE a [<!ENTITY s SYSTEM "file://{tmp_path}/secret">]>'
    with pytest.raises(SpondylError, match="document type"):
        read(cvat(tmp_path, image('<tag label="x">&s;</tag>'), head=head))


def test_other_xml_is_refused_with_the_export_that_is_read(tmp_path):
    for path in (
        cvat(tmp_path, version="1.0"),
        cvat(tmp_path, '<track id="0" label="spine"/>'),
        cvat(tmp_path, "<image>"),
    ):
        with pytest.raises(SpondylError) as refusal:
            read(path)
        assert "CVAT for images 1.1" in refusal.value.hint


# --- COCO ----------------------------------------------------------------------------------------


def coco(folder: Path, *annotations, images=None, **changes) -> Path:
    named = [{"id": 1, "file_name": "N1.jpg", "height": HEIGHT, "width": WIDTH}]
    document = {
        "info": {"contributor": "Dr. Ä. Reader", "year": 2026},
        "licenses": [],
        "images": named if images is None else images,
        "categories": [
            {"id": 5, "name": "spine", "supercategory": ""},
            {"id": 6, "name": "marker"},
            {"id": 7, "name": "person", "keypoints": ["apex", "nose"], "skeleton": []},
            {"id": 8, "name": "target"},
        ],
        "annotations": [
            {"id": i, "image_id": 1, "iscrowd": 0, "area": 1.0} | annotation
            for i, annotation in enumerate(annotations)
        ],
    }
    path = folder / "instances"
    path.write_text(json.dumps(document | changes), encoding="utf-8")
    return path


def spine(segmentation, **more):
    return {"category_id": 5, "segmentation": segmentation, "bbox": [0, 0, 5, 5]} | more


def test_coco_s_marks_arrive_on_pixel_centres(tmp_path):
    other = [(4.0, 7.0), (6.5, 7.0), (6.5, 9.0)]
    parts = [[value for point in points for value in point] for points in (QUADRANGLE, other)]
    path = coco(
        tmp_path,
        spine(parts),
        {"category_id": 6, "segmentation": [], "bbox": [0.5, 1, 2.5, 3]},
        {"category_id": 7, "keypoints": [2, 4, 2, 0, 0, 0], "bbox": [2, 4, 1, 1]},
        {"category_id": 8, "keypoints": [3, 1, 1]},
    )
    found = read(path)["N1.jpg"]
    np.testing.assert_array_equal(found.spine_mask, mask_of_xy(QUADRANGLE) | mask_of_xy(other))
    assert found.boxes == (Box("marker", 0.5, 0.0, 3.5, 2.5),)
    assert found.targets == ((4.0, 2.0), (1.0, 3.0))
    assert found.made_by == "COCO, Dr. Ä. Reader"


@settings(max_examples=40, deadline=None)
@given(drawn_masks(), st.booleans())
def test_coco_run_lengths_come_back_pixel_by_pixel(tmp_path_factory, mask, compressed):
    counts = runs_of(mask.T.ravel())
    text = coco_string(counts) if compressed else counts
    path = coco(
        tmp_path_factory.mktemp("x"), spine({"size": [HEIGHT, WIDTH], "counts": text}, iscrowd=1)
    )
    np.testing.assert_array_equal(read(path)["N1.jpg"].spine_mask, mask)


@pytest.mark.parametrize(("text", "n"), [("0T3", 100), ("0:j2", 10)])
def test_strings_that_cocoapi_wrote_are_read(tmp_path, text, n):
    images = [{"id": 1, "file_name": "N1.jpg", "height": 10, "width": 10}]
    path = coco(tmp_path, spine({"size": [10, 10], "counts": text}), images=images)
    mask = read(path)["N1.jpg"].spine_mask
    assert mask.sum() == n
    assert mask[:, 0].all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (spine({"size": [WIDTH, HEIGHT], "counts": [63]}), "run lengths for"),
        (spine({"size": [HEIGHT, WIDTH], "counts": [60, 2]}), "cover 62 pixels, not 63"),
        (spine({"size": [HEIGHT, WIDTH], "counts": [70, -7]}), "negative"),
        (spine({"size": [HEIGHT, WIDTH], "counts": coco_string([60, 3])[:-2] + "o"}), "cut short"),
        (spine({"size": [HEIGHT, WIDTH], "counts": "o" * 5000}), "damaged"),
        (spine({"size": [HEIGHT, WIDTH], "counts": "é"}), "damaged"),
        (spine({"size": [HEIGHT, WIDTH], "counts": [10**30]}), "cover 1000000"),
        (spine({"counts": [63]}), "Field required"),
        (spine([[1, 1, 2, 2, 3]]), "polygon of 5 numbers"),
        (spine([[1, 1, 2, 2]]), "outline of 2 points"),
        (spine([[1, 1, 2, 2, 3, float("inf")]]), "finite"),
        (spine([[1, 1, 2, 2, 3, 3]], image_id=9), "image 9"),
        (spine([[1, 1, 2, 2, 3, 3]], category_id=9), "category 9"),
        (spine([[1, 1, 2, 2, 3, 3]], category_id=6), "'marker'"),
        ({"category_id": 7, "keypoints": [2, 4, 2]}, "3 numbers for 2 keypoints"),
        ({"category_id": 7, "keypoints": [2, 4, 2, 1, 1, 2]}, "'nose'"),
        ({"category_id": 6, "bbox": [1, 1, 0, 4]}, "without any area"),
        ({"category_id": 6, "bbox": [1, 1, 4, 40]}, "outside the film"),
    ],
)
def test_a_wrong_coco_annotation_is_refused(tmp_path, wrong, said):
    with pytest.raises(SpondylError, match=said) as refusal:
        read(coco(tmp_path, wrong))
    assert refusal.value.hint


def test_a_small_coco_file_cannot_ask_for_all_memory(tmp_path, monkeypatch):
    images = [
        {"id": i, "file_name": f"{i}.jpg", "height": HEIGHT, "width": WIDTH} for i in range(4)
    ]
    marks = [spine([[0, 0, 5, 0, 5, 5]], image_id=i) for i in range(4)]
    path = coco(tmp_path, *marks, images=images)
    monkeypatch.setattr(marks_of_a_file, "LARGEST_SUM_OF_PIXELS", 4 * HEIGHT * WIDTH)
    assert len(read(path)) == 4
    monkeypatch.setattr(marks_of_a_file, "LARGEST_SUM_OF_PIXELS", 2 * HEIGHT * WIDTH)
    with pytest.raises(SpondylError, match="masks need over") as refusal:
        read(path)
    assert len(refusal.value.problems) == 1


def test_one_image_cannot_be_two(tmp_path):
    twice = {"id": 1, "file_name": "N1.jpg", "height": HEIGHT, "width": WIDTH}
    with pytest.raises(SpondylError, match=r"2 problems.*this id.*second image named"):
        read(coco(tmp_path, images=[twice, twice]))


# --- what kind of file ---------------------------------------------------------------------------


def test_our_own_json_is_read_as_it_is(tmp_path):
    mask = np.eye(9, 7, dtype=bool)
    path = our_own.save(tmp_path, "normal/3.png", Regions((9, 7), "a reader", mask))
    found = read(path)
    assert list(found) == ["normal/3.png"]
    np.testing.assert_array_equal(found["normal/3.png"].spine_mask, mask)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"{",
        b"[]",
        b'{"a": 1}',
        b"\xff\xfe",
        b"<html/>",
        b"<",
        b'{"shapes": ' + b"[" * 100_000,
        b"\x00" * 128 + b"DICM" + b"\x07" * 60,
        b"\x00" * 128 + b"DICM\x02\x00\x00\x00UL\x03\x00abc",
    ],
)
def test_any_other_file_is_refused_in_two_lines(tmp_path, content):
    path = tmp_path / "marks.json"
    path.write_bytes(content)
    with pytest.raises(SpondylError, match=r"marks\.json") as refusal:
        read(path)
    assert refusal.value.hint


def test_a_file_that_is_not_there_is_said_to_be(tmp_path):
    with pytest.raises(SpondylError, match="cannot be read"):
        read(tmp_path / "lost.json")


def test_a_label_cannot_mean_two_things(tmp_path):
    with pytest.raises(SpondylError, match="two meanings"):
        read(labelme(tmp_path), spine=["Apex"], targets=["apex "])


# --- whose film ----------------------------------------------------------------------------------


def films(*image_ids: str) -> Cohort:
    facts = FileFacts("PNG", HEIGHT, WIDTH, "L", 1, None, "0" * 64)
    return Cohort(
        Path("films"),
        SPINE_LABELS,
        tuple(Radiograph(name, Path(name), None, name, facts) for name in image_ids),
    )


def marked(size=(HEIGHT, WIDTH)) -> Regions:
    return Regions(size, "a reader")


def test_names_find_their_films_by_file_name_and_then_by_folder():
    cohort = films("normal/1.png", "scoliosis/1.png", "scoliosis/2.png", "2.jpg")
    named = {
        "D:\\films\\scoliosis\\1.png": marked(),
        "normal/1.png": marked(),
        "..\\2.png": marked(),
        "3.png": marked(),
        "": marked(),
    }
    found = match(named, cohort)
    assert found.regions.keys() == {"scoliosis/1.png", "normal/1.png", "scoliosis/2.png"}
    assert found.regions["scoliosis/1.png"] is named["D:\\films\\scoliosis\\1.png"]
    assert found.unmatched == ("3.png", "")


def test_the_name_that_is_an_id_is_that_film():
    assert match({"1.png": marked()}, films("1.png", "old/1.png")).regions.keys() == {"1.png"}


def test_names_that_fit_two_films_and_films_with_two_names_are_refused_together():
    cohort = films("normal/1.png", "scoliosis/1.png", "2.png", "3.png")
    named = {
        "1.png": marked(),
        "2.png": marked(),
        "again/2.png": marked(),
        "3.png": marked((WIDTH, HEIGHT)),
    }
    with pytest.raises(SpondylError, match=r"3 problems.*may be.*and so is 2\.png.*7 × 9") as why:
        match(named, cohort)
    assert [problem.where for problem in why.value.problems] == ["1.png", "again/2.png", "3.png"]
