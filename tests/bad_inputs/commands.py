"""Command lines that cannot be run, and folders that cannot be written to or read from."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bad_inputs.cohorts import loop, only
from bad_inputs.place import Case, Place


def words(name: str, command: str, says: str, hints: str = "") -> Case:
    """A command of these words, in which OUT is a folder that is not there yet."""
    return Case(
        name,
        lambda place: [
            place.root / "out" if word == "OUT" else word for word in command.split(" ") if word
        ],
        says,
        hints,
    )


WORDS = [
    words("no command", "", "no command", "above"),
    words("no command of a group", "study", "no command", "above"),
    words("an unknown command", "serve-me", "No such command 'serve-me'", "`spondyl --help`"),
    words(
        "an unknown command of a group",
        "study go",
        "No such command 'go'",
        "`spondyl study --help`",
    ),
    words("an unknown option", "networks --x", "No such option: --x", "`spondyl networks --help`"),
    words("an option in the wrong place", "study --out OUT run", "--out", "`spondyl study --help`"),
    words("no arguments", "study run", "Missing argument", "`spondyl study run --help`"),
    words("an argument too many", "networks a", "unexpected extra argument", "spondyl networks"),
    words("an option without its value", "data fetch kauh --out", "requires an argument"),
    words("folds that are no number", "data check . --folds x", "got 'x'", "data check --help"),
    words("one fold to check for", "data check . --folds 1", "got '1'", "data check --help"),
    words("one label to check for", "data check . --labels normal", "two or more different names"),
    words("no phantoms", "data phantom OUT --n 0", "0 films"),
    words("fewer than no phantoms", "data phantom OUT --n -3", "-3 films"),
    words("phantoms of no size", "data phantom OUT --size big", "'big': not HEIGHTxWIDTH"),
    words("phantoms of one side", "data phantom OUT --size 224", "'224': not HEIGHTxWIDTH"),
    words("phantoms too small", "data phantom OUT --size 9x9", "9 × 9 pixels: cannot be drawn"),
    words("phantoms too large", "data phantom OUT --size 99999x64", "cannot be drawn"),
    words("phantoms of no view", "data phantom OUT --view oblique", "'oblique' is not one of"),
    words("phantoms of a negative seed", "data phantom OUT --seed -1", "seed -1"),
    words("a size jitter of 2", "data phantom OUT --size-jitter 2", "a size jitter of 2"),
    words("an unknown shortcut", "data phantom OUT --shortcut pen", "'pen'", "marker, border"),
    words("a strength of 2", "data phantom OUT --shortcut text --strength 2", "strength 2"),
    words("a strength of nothing", "data phantom OUT --strength 0.5", "without a shortcut"),
    words("an unknown data set", "data fetch mura --out OUT", "data set 'mura'", "kauh"),
    words("no zip there", "data fetch kauh --out OUT --from no.zip", "no.zip: no such file"),
    words(
        "an address of no known kind", "data fetch kauh --out OUT --from ftp://a/b", "no such file"
    ),
    words("a film and no bundle", "read film.png", "Missing option"),
    words("a film and no such bundle", "read film.png --bundle OUT", "not a bundle"),
    words("a pattern of nothing", "read *.dcm --bundle OUT", "*.dcm: nothing is called so"),
    words("objects for no server", "push film.dcm", "Missing option"),
    words("a server of another kind", "push film.dcm --to ftp://a/b", "--to", "http"),
    words("a password in an address", "push a.dcm --to https://a:b@c/d", "--to"),
    words("a far server in plain text", "push a.dcm --to http://example.org/d", "http", "https"),
    words(
        "nothing to be fetched", "pull --from http://127.0.0.1:9/d --out OUT", "nothing is asked"
    ),
    words(
        "an identifier that is none",
        "pull --from http://127.0.0.1:9/d --study ../../x --out OUT",
        "--study",
    ),
    words(
        "a server that is down",
        "pull --from http://127.0.0.1:9/d --study 1.2.3 --out OUT",
        "127.0.0.1:9",
    ),
    words("marks of no film set", "data annotations a.json --out OUT", "Missing option"),
    words(
        "no network to time", "bench cam --network resnet51", "'resnet51': not known", "resnet50"
    ),
    words("no method to time", "bench cam --method icr-cam", "no definition could be found"),
    words("a method of ours alone", "bench cam --method recipro-cam", "no other library has it"),
    words("no rounds to time", "bench cam --rounds 0", "0 rounds measure nothing"),
    words("one fold to audit by", "audit data . --folds 1", "1 folds: nothing to probe"),
    words("an unknown remedy", "audit data . --remedies blur", "'blur': unknown", "letterbox"),
    words("a crop without masks", "audit data . --remedies spine-crop", "needs spine masks"),
    words("masks that are nowhere", "audit data . --regions no", "no: no such folder of regions"),
    words("nothing measured", "audit data . --measured .", "no measurements", "spondyl measure"),
    words("two networks to ask", "audit data . --weights a=b --weights c=d", "asks one frozen"),
    words("a network nobody knows", "audit data . --weights resnet51=b", "'resnet51': not known"),
    words("figures of nobody", "audit data . --published me2026", "no such publication"),
    words("nothing to audit", "audit model no", "not a bundle"),
    words("no masks for a model", "audit model no --regions no", "no such folder of regions"),
    words("no films to look at", "audit model no --films 0", "equal to 1, got '0'"),
    words("no bundle to explain by", "explain a.png --out OUT", "Missing option", "explain --help"),
    words("nothing to serve", "serve", "nothing to serve", "--bundle"),
    words("no bundle to serve", "serve --bundle OUT --port 0", "not a bundle"),
    words(
        "a port beyond the last", "serve --bundle OUT --port 65536", "got '65536'", "serve --help"
    ),
    words(
        "everywhere, under no name", "serve --bundle OUT --host 0.0.0.0", "which name", "--allow"
    ),
    words("nowhere to serve", "serve --bundle OUT --host 256.0.0.1", "cannot be listened at"),
    words("rows without films", "serve --bundle OUT --database postgresql://a@b/c", "--data"),
    words("no audit to show", "serve --bundle OUT --audit no.html", "no.html: cannot be read"),
    words("a header that is none", "serve --bundle OUT --trust-header X:", "no name of a header"),
    words("a survey without answers", "serve --survey OUT", "--answers", "review open"),
    words("no survey to serve", "serve --survey OUT --answers a.db", "no survey is there"),
    words("a finder and none", "serve --bundle OUT --finder f --no-measure", "one or the other"),
    words("no readers to wait", "bench serve --readers 0", "0 readers"),
    words("no pages to wait for", "bench serve --pages 0", "0 pages"),
    words("a demo of a negative seed", "demo --out OUT --seed -1", "seed"),
    words("a demo of a seed too large", "demo --out OUT --seed 99999999999", "got 99999999999"),
]


def zipped(**members: str) -> Callable[[Place], Path]:
    """A zip file with these members."""

    def make(place: Place) -> Path:
        with zipfile.ZipFile(place.root / "given.zip", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return place.root / "given.zip"

    return make


def fetched(name: str, make: Callable[[Place], Path], says: str) -> Case:
    """A data set fetched from the file that `make` makes."""

    def asked(place: Place) -> list[object]:
        return ["data", "fetch", "kauh", "--out", place.root / "out", "--from", make(place)]

    return Case(name, asked, says)


FETCHED = [
    fetched("a broken zip", lambda p: p.file("given.zip", b"PK\3\4 and so on"), "not a sound zip"),
    fetched("a folder for a zip", lambda place: place.films, "no such file"),
    fetched("a zip of something else", zipped(readme="none"), "does not hold the data set"),
    fetched("a zip that leaves its folder", zipped(**{"../a": "b"}), "outside the folder"),
]


def changed(name: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], object]:
    """A study whose JSON file `name` was changed."""

    def make(folder: Path) -> object:
        document = json.loads((folder / name).read_text())
        return (folder / name).write_text(json.dumps(change(document)))

    return make


def lacking(name: str, key: str) -> Callable[[Path], object]:
    """A study whose JSON file `name` lacks a key."""
    return changed(name, lambda document: {k: document[k] for k in document if k != key})


def written(name: str, content: bytes) -> Callable[[Path], object]:
    """A study of which one file has another content."""
    return lambda folder: (folder / name).write_bytes(content)


STUDY, SPLITS = "study.json", "splits.json"
DAMAGES: list[tuple[str, Callable[[Path], object], str]] = [
    ("no study.json", lambda folder: (folder / STUDY).unlink(), "not the folder of a study"),
    ("study.json cut short", written(STUDY, b'{"schema_version": 1,'), "not valid JSON"),
    ("study.json in Latin 1", written(STUDY, b'{"a": "\xe9"}'), "not valid JSON"),
    ("study.json of a list", written(STUDY, b"[]"), "study.json: not in the form of schema 1"),
    ("study.json of a later version", written(STUDY, b'{"schema_version": 9}'), "schema 9"),
    ("a study without films", lacking(STUDY, "cohort"), "study.json: not in the form of schema 1"),
    ("a study without a spec", lacking(STUDY, "spec"), "study.json: not in the form of schema 1"),
    ("a study without facts", lacking(STUDY, "facts"), "study.json: not in the form of schema 1"),
    (
        "a study with a changed label",
        changed(
            STUDY,
            lambda document: json.loads(
                json.dumps(document).replace('"label": "normal"', '"label": "scoliosis"', 1)
            ),
        ),
        "cohort: changed since it was written",
    ),
    (
        "a study with a changed spec",
        changed(STUDY, lambda document: {**document, "spec": {**document["spec"], "folds": 99}}),
        "folds: Input should be less than or equal to 20",
    ),
    ("no splits.json", lambda folder: (folder / SPLITS).unlink(), "splits.json: cannot be read"),
    ("splits.json cut short", written(SPLITS, b'{"folds":'), "splits.json: not valid JSON"),
    ("splits.json of a list", written(SPLITS, b"[]"), "splits: not in the form of schema 1"),
    ("splits changed", changed(SPLITS, lambda held: {**held, "seed": 7}), "splits: changed since"),
    (
        "predictions changed",
        lambda folder: [
            path.write_text(path.read_text().replace("normal", "scoliosis"))
            for path in folder.glob("trials/*/predictions.csv")
        ],
        "predictions.csv: changed since the trial ended",
    ),
    (
        "a trial's manifest of nothing",
        lambda folder: [path.write_text("{}") for path in folder.glob("trials/*/manifest.json")],
        "manifest.json: not in the form of schema 1",
    ),
]


def damaged(command: str) -> list[Case]:
    """Each kind of damage to a study, met by `study COMMAND`."""

    def case(name: str, damage: Callable[[Path], object], says: str) -> Case:
        def make(place: Place) -> list[object]:
            damage(place.finished())
            return ["study", command, place.root / "done"]

        return Case(f"{name}: {command}", make, says)

    return [case(*damage) for damage in DAMAGES]


def resumed(
    name: str, says: str, spoil: Callable[[Place], object] = lambda place: None, **changes: str
) -> Case:
    """A finished study that is gone on with under another condition."""

    def make(place: Place) -> list[object]:
        out = place.finished()
        weights = spoil(place) or place.weights
        spec = place.spec(strategies='["probe"]', **changes)
        return place.run("--weights", f"test_resnet={weights}", spec=spec, out=out)

    return Case(name, make, says)


def other_weights(place: Place) -> Path:
    """The sound weights with the last byte, a part of a number, changed."""
    content = place.weights.read_bytes()
    return place.file("other.safetensors", content[:-1] + bytes([content[-1] ^ 1]))


def left_with(**counts: int) -> Callable[[Place], list[object]]:
    """A study of so many films of each class."""

    def make(place: Place) -> list[object]:
        for label, n in counts.items():
            only(place, n, label)
        return place.run()

    return make


STUDIES = [
    Case(
        "too few films to steer by",
        left_with(normal=6, scoliosis=6, spondylolisthesis=6),
        "leaves at most 3 films of a class to learn from",
        "more folds",
    ),
    Case(
        "a class that only steers",
        left_with(scoliosis=2, spondylolisthesis=2),
        "leaves no film of",
        "more folds",
    ),
    *damaged("report"),
    *damaged("status"),
    *damaged("explain"),
    Case(
        "a report where nothing is",
        lambda place: ["study", "report", place.root / "none"],
        "not the folder of a study",
    ),
    Case(
        "a report of an unfinished study",
        lambda place: [
            *[path.unlink() for path in place.finished().glob("trials/*/manifest.json")][:0],
            *("study", "report", place.root / "done"),
        ],
        "2 trials are not finished",
    ),
    resumed("a folder of a study of another spec", "another study; the spec's seed", seed="5"),
    resumed(
        "a folder of a study of other films",
        "another study; the films, labels or groups differ",
        lambda place: place.film().unlink(),
    ),
    resumed(
        "a folder of a study with other weights",
        "another study; the initial weights differ",
        other_weights,
    ),
    resumed(
        "a folder of a damaged study",
        "not in the form of schema 1",
        lambda place: (place.root / "done" / STUDY).write_text("[]") and None,
    ),
]


def into(name: str, make: Callable[[Place], Path], says: str) -> list[Case]:
    """Each command that makes a folder, told to make one where that cannot be."""
    asked: dict[str, Callable[[Place, Path], list[object]]] = {
        "study run": lambda place, out: place.run(out=out),
        "data phantom": lambda place, out: ["data", "phantom", out, "--n", 1],
        "data fetch": lambda place, out: ["data", "fetch", "kauh", "--out", out],
        "demo": lambda place, out: ["demo", "--out", out],
        "study bundle": lambda place, out: ["study", "bundle", place.finished(), "--out", out],
        "explain": lambda place, out: [
            *("explain", place.film(), "--bundle", place.bundle(), "--out", out)
        ],
        "audit data": lambda place, out: ["audit", "data", place.films, "--out", out],
        "audit model": lambda place, out: ["audit", "model", place.finished(), "--out", out],
        "data annotations": lambda place, out: [
            *("data", "annotations", place.file("marks.json", "{}")),
            *("--cohort", place.films, "--out", out),
        ],
    }
    return [
        Case(
            f"{name}: {command}", lambda place, ask=ask: ask(place, make(place)), says, at_once=True
        )
        for command, ask in asked.items()
    ]


OUTS = [
    *into("out with other things in it", lambda place: place.films, "is there already"),
    *into("out a file", lambda place: place.file("out", "mine"), "is there already"),
    *into("out under a file", lambda p: p.file("out", "mine") / "deep" / "er", "cannot be filled"),
    *into("out a link in a circle", loop, "is there already"),
    *into("out under a link in a circle", lambda place: loop(place) / "x", "cannot be filled"),
    *into("out of a name too long", lambda place: place.root / ("x" * 300), "File name too long"),
    Case("no such device", lambda place: place.run("--device", "tpu"), "device 'tpu'", "auto, cpu"),
    Case(
        "a cache that is a file",
        lambda place: place.run("--cache", place.file("cache", "mine")),
        "cache: cannot be filled",
    ),
    Case(
        "a cache under a file",
        lambda place: place.run("--cache", place.file("cache", "mine") / "deep"),
        "cannot be filled",
    ),
]

COMMANDS = WORDS + FETCHED + STUDIES + OUTS
