"""Finders, landmark sets and points that cannot be used."""

from pathlib import Path

from bad_inputs.commands import words
from bad_inputs.place import Case, Place


def given(name: str, text: str, command: str, says: str, hints: str = "", suffix=".toml") -> Case:
    """A command of these words, in which FILE is a file of this text and OUT is not there yet."""

    def made(place: Place) -> list[str | Path]:
        file = place.root / f"given{suffix}"
        file.write_text(text, encoding="utf-8")
        swapped = {"FILE": file, "OUT": place.root / "out"}
        return [swapped.get(word, word) for word in command.split()]

    return Case(name, made, says, hints)


HEAD = (
    "image_id,level,lower_posterior_r,lower_posterior_c,lower_anterior_r,lower_anterior_c,"
    "upper_posterior_r,upper_posterior_c,upper_anterior_r,upper_anterior_c\n"
)

MEASURES = [
    words("no films to measure", "measure films", "Missing argument", "measure films --help"),
    given("a finder that is none", "x", "measure a.png --finder FILE", "as a spine finder"),
    words("no finder there", "measure a.png --finder no.finder", "no.finder: cannot be read"),
    words("a training without a spec", "measure train no.toml --out OUT", "no.toml"),
    given("a mistyped key", "epoch = 3", "measure train FILE --out OUT", "epoch", "epochs"),
    given(
        "a training that wants a landmark set",
        'films = "landmark set"',
        "measure train FILE --out OUT",
        "none is given",
        "--data",
    ),
    given(
        "a landmark set without films",
        'films = "landmark set"',
        "measure train FILE --data . --out OUT",
        "no films in its folder images",
    ),
    words("a landmark set that is none", "measure judge --data .", "no films in its folder images"),
    words("no points", "measure slip no.csv", "no.csv"),
    given("points without columns", "a,b\n1,2\n", "measure slip FILE", "no column", "", ".csv"),
    given(
        "points that are one",
        HEAD + "film,L4-5,1,1,1,1,0,0,0,9\n",
        "measure slip FILE",
        "are one point",
        "",
        ".csv",
    ),
    given(
        "a level that is none",
        HEAD + "film,L9,1,1,1,9,0,0,0,9\n",
        "measure slip FILE",
        "unknown level",
        "",
        ".csv",
    ),
]
