"""A model card: what a trained classifier is, is for, and is not, after Mitchell et al. 2019.

Headings are those of "Model Cards for Model Reporting" (FAT* 2019, doi:10.1145/3287560.3287596).
What is said comes from `known.Known` and from an audit's checks; what a run cannot know is left to
the authors in so many words. The card opens with what must not be overlooked, whatever the results:
that no patient's care may rest on it. A check that was not run stands beside those that failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spondyl.report.cards import markdown
from spondyl.report.cards.checklists import AUTHORS
from spondyl.report.cards.facts import EXCLUSIVE
from spondyl.report.cards.known import Known
from spondyl.trust.checks import Check, counts, ordered

NOT_FOR_CARE = (
    "For research, not for diagnosis. No output of this model may guide the care of a patient."
)
NO_AUDIT = "Not audited: nobody has checked what the model rests on."


@dataclass(frozen=True, slots=True)
class Line:
    """A fact under its name, or what the authors must say of it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """A heading of the card and its lines."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """The card as a page or a file shows it."""

    title: str
    warnings: tuple[str, ...]
    """To be read before anything else."""
    parts: tuple[Part, ...]
    checks: tuple[Check, ...]
    """The most alarming first."""


def compose(known: Known, checks: Sequence[Check] = ()) -> Card:
    """The card of what is `known` and of an audit's `checks`, none where there was no audit."""
    return Card(
        f"Model card: {known.configuration}",
        _warnings(known, checks),
        (
            _details(known),
            _use(known),
            _factors(known),
            _metrics(known),
            _evaluation_data(known),
            _training_data(known),
            _analyses(known),
            _ethics(),
            _caveats(known),
        ),
        ordered(checks),
    )


def render(known: Known, checks: Sequence[Check] = ()) -> str:
    """The card in Markdown."""
    card = compose(known, checks)
    blocks = [f"# {markdown.escaped(card.title)}"]
    blocks += [f"> **{markdown.escaped(warning)}**" for warning in card.warnings]
    for part in card.parts:
        blocks.append(f"## {part.title}")
        blocks.append("\n".join(f"- **{x.name}.** {markdown.escaped(x.text)}" for x in part.lines))
        if part.title == "Quantitative analyses" and card.checks:
            blocks.append(_checks_table(card.checks))
    return "\n\n".join(blocks) + "\n"


def _warnings(known: Known, checks: Sequence[Check]) -> tuple[str, ...]:
    audited = _audited(checks) if checks else NO_AUDIT
    taught = " ".join(filter(None, ("Taught by", known.films, known.origin)))
    external = _line("Tests on films of another collection", known.external, "whether there is one")
    tested = f"{external.name}: {external.text}"
    labels = known.exclusive or EXCLUSIVE
    return (NOT_FOR_CARE, labels, *([taught] if known.films else []), tested, audited)


def _audited(checks: Sequence[Check]) -> str:
    """How many checks have which answer, and which of them failed or were not run."""
    number = counts(checks)
    said = f"{len(checks)} checks: " + ", ".join(f"{n} {status}" for status, n in number.items())
    for status, what in (("fail", "Failed"), ("not run", "Not run")):
        if named := [check.name for check in checks if check.status == status]:
            said += f". {what}: {', '.join(named)}"
    return f"{said}. No score is made of them."


def _checks_table(checks: Sequence[Check]) -> str:
    rows = [(check.status, check.question, check.said) for check in checks]
    return markdown.table(("answer", "check", "what was seen"), rows)


def _line(name: str, text: str, asks: str) -> Line:
    """A fact, or what the authors must say where it is not known."""
    return Line(name, text or f"{AUTHORS}: {asks}.")


def _by_authors(name: str, asks: str) -> Line:
    return Line(name, f"{AUTHORS}: {asks}.")


def _details(known: Known) -> Part:
    return Part(
        "Model details",
        (
            _by_authors("Developers", "who made the model, and whom to write to"),
            Line("Kind", known.approach),
            Line("Network", f"{known.network} {known.parameters}"),
            Line("Input", f"{known.preprocessing} {known.shown}"),
            Line("Output", known.output),
            _line("Initial weights", known.initial_weights, "where the initial weights come from"),
            _line(
                "Licence of the initial weights",
                known.weights_licence,
                "on what terms the initial weights, and the data that made them, may be used",
            ),
            Line("Training", f"{known.training} {known.selection}"),
            Line("Software", f"{known.code} {known.software}"),
            _line("Made by", known.reproduce or known.bundle, "how the model can be made again"),
            _by_authors("Licence of the model", "on what terms the trained networks may be used"),
        ),
    )


def _use(known: Known) -> Part:
    return Part(
        "Intended use",
        (
            Line("Use", known.intended_use),
            Line(
                "Not for",
                "Diagnosis, triage, treatment or follow-up of any patient; films of "
                "other body parts; films of other hospitals, unless tested on them first.",
            ),
            _by_authors("Users", "for whom the model was made"),
        ),
    )


def _factors(known: Known) -> Part:
    return Part(
        "Factors",
        (
            _line("People", known.people, "ages and sexes of the patients"),
            _line("Sites", known.sites, "at which hospitals the films were taken"),
            _line("Views", known.views, "from which side the films were taken"),
            _by_authors("Devices", "with which devices and settings the films were taken"),
        ),
    )


def _metrics(known: Known) -> Part:
    return Part(
        "Metrics",
        (
            _line("Measures", known.metrics, "by which measures the model was judged"),
            _line("Uncertainty", known.uncertainty, "how uncertainty was measured"),
            Line("Threshold", "The most probable label is said; no other threshold was chosen."),
        ),
    )


def _evaluation_data(known: Known) -> Part:
    return Part(
        "Evaluation data",
        (
            _line("Films", known.evaluation, "which films the model was tested on"),
            _line("Folds", f"{known.partitions} {known.disjoint}".strip(), "how films were parted"),
            _line("External test", known.external, "whether it was tested at another hospital"),
        ),
    )


def _training_data(known: Known) -> Part:
    return Part(
        "Training data",
        (
            _line("Films", f"{known.films} {known.classes}".strip(), "how many films taught it"),
            _line("Labels", known.labels, "which labels there are"),
            _by_authors(
                "Origin of the labels", "who gave the labels, from what, how sure they are"
            ),
            _line("Copies", known.copies, "whether a film occurs more than once"),
            _line("Left out", known.left_out, "which films were left out"),
            _line("Missing", known.missing, "what is not known of the films"),
            _line("Licence of the films", known.data_licence, "on what terms films may be used"),
        ),
    )


def _analyses(known: Known) -> Part:
    return Part(
        "Quantitative analyses",
        (
            _line("Performance", known.performance, "how often it is right, with intervals"),
            _line("By label", known.per_class, "how often it is right for each label"),
            _line("By group of people", known.subgroups, "how results differ by age and sex"),
            _line("Calibration", known.calibration, "whether its probabilities are true"),
            _line("Errors", known.failures, "which films it gets wrong"),
            _line("Heatmaps", known.explanations, "whether its answers were explained, and how"),
            _line("Robustness", known.robustness, "what changes its answers that should not"),
        ),
    )


def _ethics() -> Part:
    return Part(
        "Ethical considerations",
        (
            _by_authors("Approval", "which ethics committee approved the use of the films"),
            _by_authors("Consent", "whether patients consented, or why that was waived"),
            _by_authors("Privacy", "how the films were de-identified"),
            Line(
                "Harm",
                "A wrong or a flattering answer could delay or mislead care. Hence: for "
                "research, not for diagnosis.",
            ),
        ),
    )


def _caveats(known: Known) -> Part:
    refused = known.refusals or "Nothing refuses a film unlike those that were learned from."
    return Part(
        "Caveats and recommendations",
        (
            _line("Limits", known.limitations, "what limits the results"),
            Line("Strange films", refused),
            Line(
                "Before any use",
                "Test it on films of your own that taught no network, with "
                "labels of your own, and read the checks that failed or were not run.",
            ),
        ),
    )
