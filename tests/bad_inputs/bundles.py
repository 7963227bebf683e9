"""Bundles and annotations that cannot be used, and questions that a bundle cannot answer."""

import json
from collections.abc import Callable
from typing import Any

from bad_inputs.place import Case, Place


def asked(name: str, says: str, hints: str = "", *more: object) -> Case:
    """A sound film and a sound bundle, asked what cannot be answered."""
    return Case(name, lambda place: [*explain(place), *more], says, hints)


def explain(place: Place) -> list[object]:
    """The words of a sound question."""
    words = ["explain", place.film(), "--bundle", place.bundle(), "--out", place.root / "out"]
    return [*words, "--device", "cpu"]


def spoiled(name: str, harm: Callable[[Place], object], says: str, hints: str = "") -> Case:
    """A sound question to a bundle to which harm was done."""

    def make(place: Place) -> list[object]:
        words = explain(place)
        harm(place)
        return words

    return Case(name, make, says, hints)


def edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[Place], object]:
    """A bundle whose JSON was changed."""

    def harm(place: Place) -> None:
        path = place.root / "bundle" / "bundle.json"
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return harm


def in_weights(change: Callable[[bytes], bytes]) -> Callable[[Place], object]:
    """A bundle in which a file of weights was changed."""

    def harm(place: Place) -> None:
        path = place.root / "bundle" / "weights-1.safetensors"
        path.write_bytes(change(path.read_bytes()))

    return harm


QUESTIONS = [
    asked("an unknown method", "'gradcam': not known", "grad-cam", "--method", "gradcam"),
    asked("ICR-CAM", "no definition could be found", "invented", "--method", "grad-cam,icr-cam"),
    asked("no method", "method '': not known", "Known:", "--method", ""),
    asked("an unknown label to explain", "label 'kyphosis'", "normal", "--label", "kyphosis"),
    asked("all labels and one more", "label 'all'", "or all", "--label", "all,normal"),
    asked("a fold that is not there", "fold 2: not in the bundle", "0, 1", "--fold", 2),
    asked("a fold that is no number", "got 'x'", "explain --help", "--fold", "x"),
    asked("two ways to draw", "--contours and --print", "one of them", "--contours", "--print"),
    Case(
        "masks for whole films",
        lambda place: [*explain(place), "--regions", place.masks],
        "networks are shown whole films",
        "Leave --regions out",
    ),
    asked("no such device to explain on", "device 'tpu'", "auto, cpu", "--device", "tpu"),
    Case(
        "a folder without films",
        lambda place: [word if word != place.film() else place.bundled for word in explain(place)],
        "no film in there",
        ".png",
    ),
]

SPOILED = [
    Case(
        "a study for a bundle",
        lambda place: [*explain(place), "--bundle", place.finished()],
        "not a bundle (bundle.json is missing)",
        "study bundle",
    ),
    spoiled(
        "a bundle of a later version", edited(lambda d: {**d, "schema_version": 9}), "schema 9"
    ),
    spoiled("a bundle of a list", edited(lambda document: [document]), "schema None"),
    spoiled(
        "a bundle of other labels",
        edited(lambda document: {**document, "labels": document["labels"][::-1]}),
        "bundle.json: changed since",
        "again",
    ),
    spoiled(
        "a bundle without a network's name",
        edited(lambda document: {k: document[k] for k in document if k != "network"}),
        "network: Field required",
    ),
    spoiled(
        "a bundle cut short",
        lambda place: (place.root / "bundle" / "bundle.json").write_text('{"schema_ver'),
        "not valid JSON",
    ),
    spoiled(
        "a bundle with a changed bit",
        in_weights(lambda held: held[:-1] + bytes([held[-1] ^ 1])),
        "weights-1.safetensors: changed since",
    ),
    spoiled(
        "a bundle without a fold's weights",
        lambda place: (place.root / "bundle" / "weights-1.safetensors").unlink(),
        "weights-1.safetensors: missing",
    ),
]


def bundling(name: str, harm: Callable[[Place], object], says: str, *more: object) -> Case:
    """A bundle to be made of a study to which harm was done."""

    def make(place: Place) -> list[object]:
        words = ["study", "bundle", place.finished(), "--out", place.root / "out", *more]
        harm(place)
        return words

    return Case(name, make, says)


def unfinished(place: Place) -> None:
    """A study of which one trial is not done."""
    min((place.root / "done" / "trials").glob("*/manifest.json")).unlink()


def sound(place: Place) -> None:
    """No harm."""


BUNDLING = [
    bundling("a bundle of an unfinished study", unfinished, "1 of 2 folds finished"),
    bundling("a bundle of another network", sound, "no configuration", "--network", "vgg16"),
    bundling(
        "a bundle of no study",
        lambda place: (place.root / "done" / "study.json").unlink(),
        "not the folder of a study",
    ),
    bundling(
        "a bundle of a changed trial",
        lambda place: [
            path.write_bytes(path.read_bytes()[:-1])
            for path in (place.root / "done").glob("trials/*/learned.safetensors")
        ],
        "learned.safetensors: changed since the trial ended",
    ),
]


def marked(name: str, content: str, says: str, hints: str = "", *more: object) -> Case:
    """Annotations of this content for a sound cohort."""

    def make(place: Place) -> list[object]:
        file = place.file("marks.json", content)
        words = ["data", "annotations", file, "--cohort", place.films]
        return [*words, "--out", place.root / "out", *more]

    return Case(name, make, says, hints)


def labelme(label: str = "spine") -> str:
    """A LabelMe file of a film that is in no cohort."""
    points = [[1, 1], [9, 1], [9, 9]]
    shape = {"label": label, "points": points, "shape_type": "polygon"}
    document = {"version": "5.0", "imagePath": "x.png", "imageData": None, "shapes": [shape]}
    return json.dumps(document | {"imageHeight": 64, "imageWidth": 48})


def twice(place: Place) -> list[object]:
    """Marks of one film in two files."""
    files = [place.file(name, labelme()) for name in ("a.json", "b.json")]
    words = ["data", "annotations", *files, "--cohort", place.films]
    return [*words, "--out", place.root / "out"]


MARKED = [
    marked("marks that are no JSON", "{", "not valid JSON"),
    marked("marks of an unknown kind", "{}", "neither LabelMe's nor COCO's nor ours"),
    marked("marks of no meaning", labelme("spnie"), "nobody said what the label 'spnie' means"),
    marked("marks of two meanings", labelme(), "two meanings", "", "--ignore", "spine"),
    marked("marks of strangers alone", labelme(), "none of its films is in the annotations"),
    Case("marks of one film in two files", twice, "the film 'x.png' is in", "one file"),
    marked("marks of no cohort", labelme(), "no such file or folder", "", "--cohort", "none"),
]

BUNDLES = QUESTIONS + SPOILED + BUNDLING + MARKED
