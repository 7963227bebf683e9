"""The command line: one thin function per command, each a call of a library function.

Data goes to stdout, progress and refusals to stderr. Exit codes: 0 done, findings included; 1 some
files failed; 2 the user's input is wrong. Imports stand inside the commands, so that
`spondyl --help` answers at once.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.exceptions import TyperException

from spondyl.errors import SpondylError
from spondyl.terminal import refuse, say, tracking

NOTICE = "For research, not for diagnosis."
_INTERRUPTED = 130

app = typer.Typer(
    name="spondyl",
    help=f"Train, explain and audit classifiers of spine radiographs. {NOTICE}",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data = typer.Typer(help="Look at a folder of films, draw phantoms, get a public data set.")
study = typer.Typer(help="Train and evaluate under cross-validation; report.")
app.add_typer(data, name="data", no_args_is_help=True)
app.add_typer(study, name="study", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Labels = Annotated[str, typer.Option(help="Label names in order, with commas between them.")]
Out = Annotated[Path, typer.Option(help="A new folder; nothing is ever overwritten.")]
Weights = Annotated[
    list[str],
    typer.Option(
        help="NAME=FILE: initial weights of a network (safetensors, or a torchvision or timm "
        "checkpoint); repeatable. Without it the library's cache is looked through."
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Cache = Annotated[Path | None, typer.Option(help="Folder for features that are computed once.")]


@app.command()
def demo(out: Out = Path("spondyl-demo"), seed: int = 0) -> None:
    """Phantoms → study → heatmaps → report, on two cores in minutes; no data or network needed."""
    from spondyl import demo as demonstration

    with tracking() as track:
        outcome = demonstration.run(out, seed, track)
    for line in outcome.lines:
        typer.echo(line)


@data.command("check")
def data_check(
    path: Annotated[Path, typer.Argument(help="A folder of class folders, or a CSV manifest.")],
    labels: Labels = "normal,scoliosis,spondylolisthesis",
    folds: Annotated[int, typer.Option(min=2, help="Folds that a study would have.")] = 5,
    as_json: Json = False,
) -> None:
    """Everything that is wrong with a cohort, at once, and what was found in it."""
    from spondyl.data import check
    from spondyl.data.labels import LabelSet

    with tracking() as track:
        findings = check.check(path, LabelSet.of(_listed(labels)), folds, track)
    if as_json:
        _print_json(findings.as_dict())
    else:
        typer.echo("\n".join(findings.lines()))


@data.command("phantom")
def data_phantom(
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    n: Annotated[int, typer.Option(help="Films.")] = 60,
    seed: int = 0,
    view: Annotated[
        Literal["frontal", "lateral", "mixed"], typer.Option(help="View of the films.")
    ] = "frontal",
    size: Annotated[str, typer.Option(help="Height and width in pixels, as 224x224.")] = "224x224",
    size_jitter: Annotated[float, typer.Option(help="0: all of one size.")] = 0.0,
    shortcut: Annotated[
        str, typer.Option(help="marker, border, tint, text or aspect; none where empty.")
    ] = "",
    strength: Annotated[float, typer.Option(help="How strongly it tells the class, 0 to 1.")] = 1.0,
) -> None:
    """Draw radiographs with known truth: films, spine masks, landmarks, angles; and a sheet."""
    from spondyl.data.phantom import drawing, output
    from spondyl.files import refuse_unless_free

    refuse_unless_free(out)
    with tracking() as track:
        films = drawing.cohort(
            n,
            seed,
            view=view,
            size=_size(size),
            size_jitter=size_jitter,
            shortcut=shortcut or None,
            strength=strength,
            track=track,
        )
        output.save(out, films, track)
    say(f"{n} films in {out / 'films'}, manifest {out / 'manifest.csv'}")


@data.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="kauh: the 338 films of the paper (CC BY 4.0).")],
    out: Out,
    source: Annotated[
        str, typer.Option("--from", help="A zip file that you downloaded, or another address.")
    ] = "",
) -> None:
    """Get a public data set, check what arrived, and say what to do where there is no network."""
    from spondyl.data import fetch

    with tracking() as track:
        folder = fetch.fetch(name, out, source, track)
    say(f"{folder}: complete")


@study.command("run")
def study_run(
    spec: Annotated[Path, typer.Argument(help="A study as TOML, such as spec/kauh-features.toml.")],
    cohort: Annotated[Path, typer.Option(help="A folder of class folders, or a CSV manifest.")],
    out: Annotated[Path, typer.Option(help="A new folder, or that of a study to go on with.")],
    weights: Weights = [],  # noqa: B006
    device: Device = "auto",
    cache: Cache = None,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Folder to write every epoch to, for TensorBoard.")
    ] = None,
) -> None:
    """Cross-validated predictions, heatmaps and a report; resumes where it stopped."""
    from spondyl.learn import spec as specs
    from spondyl.report import whole

    with tracking() as track:
        page = whole.study_and_report(
            specs.read(spec),
            cohort,
            out,
            _pairs(weights),
            cache=cache,
            device=device,
            command=_command(),
            curves=tensorboard,
            track=track,
        )
    typer.echo("\n".join(page.lines))


@study.command("status")
def study_status(run: Path, as_json: Json = False) -> None:
    """Where a study stands: finished trials by configuration."""
    from spondyl.learn import study as studies

    standing = studies.status(studies.load(run))
    if as_json:
        _print_json([row.as_dict() for row in standing])
    else:
        typer.echo("\n".join(str(row) for row in standing))


@study.command("report")
def study_report(run: Path, device: Device = "auto") -> None:
    """Write metrics, heatmaps and report of a finished study again."""
    from spondyl.report import whole

    with tracking() as track:
        page = whole.report_again(run, device, track)
    typer.echo("\n".join(page.lines))


@app.command()
def networks(as_json: Json = False) -> None:
    """What can be trained: networks, their cuts, parameters, and whether weights are cached."""
    from spondyl.learn import catalogue

    rows = catalogue.rows()
    if as_json:
        _print_json([row.as_dict() for row in rows])
    else:
        typer.echo("\n".join(catalogue.lines(rows)))


def main() -> None:
    """Runs the command line and leaves with its exit code."""
    try:
        code = app(prog_name="spondyl", standalone_mode=False)
        if code == _INTERRUPTED:  # Typer catches Ctrl-C, and tells us by nothing else
            raise KeyboardInterrupt
    except SpondylError as error:
        refuse(error.message, error.hint)
        sys.exit(2)
    except TyperException as error:
        refuse(*_misuse(error))
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        refuse(
            f"{where}{error.strerror or error}",
            "Is there space on the disk, and may you read and write there?",
        )
        sys.exit(2)
    except KeyboardInterrupt:
        refuse("interrupted", "Run the same command again; a study goes on where it was.")
        sys.exit(_INTERRUPTED)
    sys.exit(code)


def _misuse(error: TyperException) -> tuple[str, str]:
    """Error and hint for a command line that Typer refuses, with the value that it leaves out."""
    said, context = error.format_message(), getattr(error, "ctx", None)
    hint = f"See `{context.command_path if context else 'spondyl'} --help`."
    if "\n" in said:  # where no command is given, Typer's message is the help
        say(said)
        return "no command given", "Name one of the commands above."
    faults: list[Any] = getattr(error.__cause__, "errors", list)()
    got = repr(faults[0]["input"]) if faults else ""
    return (said if got in said else f"{said}, got {got}"), hint


def _command() -> str:
    return shlex.join(["spondyl", *sys.argv[1:]])


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    if not (height.isascii() and height.isdigit() and width.isascii() and width.isdigit()):
        raise SpondylError(f"size {text!r}: not HEIGHTxWIDTH", "For example 224x224.")
    return int(height), int(width)


def _pairs(texts: list[str]) -> dict[str, Path]:
    """NAME=FILE texts taken apart; `SpondylError` for another form or a name given twice."""
    pairs: dict[str, Path] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not (name and equals and file):
            raise SpondylError(
                f"--weights {text!r}: not NAME=FILE",
                "For example --weights densenet169=densenet169.safetensors.",
            )
        if name in pairs:
            raise SpondylError(f"--weights {name}: given twice", "Give one file for each network.")
        pairs[name] = Path(file)
    return pairs


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


if __name__ == "__main__":
    main()
