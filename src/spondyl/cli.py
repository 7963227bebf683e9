"""The command line: one thin function per command, each a call of a library function.

Data goes to stdout, progress and refusals to stderr. Exit codes: 0 done, findings included; 1 some
files failed; 2 the user's input is wrong. Imports stand inside the commands, so that
`spondyl --help` answers at once. Groups of commands have files of their own in `commands`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer
from typer.exceptions import TyperException

from spondyl.commands import (
    archive,
    audit,
    bench,
    compare,
    data,
    ensemble,
    explain,
    export,
    measure,
    read,
    review,
    serve,
    study,
    study_test,
)
from spondyl.commands.arguments import Json, Out, Seed, print_json
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
app.add_typer(data.app, name="data", no_args_is_help=True)
study.app.command("ensemble")(ensemble.ensemble)
study.app.command("compare")(compare.compare)
study.app.command("test")(study_test.test)
app.add_typer(study.app, name="study", no_args_is_help=True)
app.add_typer(audit.app, name="audit", no_args_is_help=True)
app.command("explain")(explain.explain)
app.command("read")(read.read)
app.command("export")(export.export)
app.command("serve")(serve.serve)
app.command("push")(archive.push)
app.command("pull")(archive.pull)
app.add_typer(measure.app, name="measure", no_args_is_help=True)
app.add_typer(review.app, name="review", no_args_is_help=True)
app.add_typer(bench.app, name="bench", no_args_is_help=True)


@app.command()
def demo(out: Out = Path("spondyl-demo"), seed: Seed = 0) -> None:
    """Phantoms → study → heatmaps → report, on two cores in minutes; no data or network needed."""
    from spondyl import demo as demonstration

    with tracking() as track:
        outcome = demonstration.run(out, seed, track)
    for line in outcome.lines:
        typer.echo(line)


@app.command()
def networks(as_json: Json = False) -> None:
    """What can be trained: networks, cuts, costs, and which weights are here, by which licence."""
    from spondyl.learn import catalogue

    rows = catalogue.rows()
    if as_json:
        print_json([row.as_dict() for row in rows])
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
