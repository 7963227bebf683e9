"""The experts' labels against the data set's, networks scored anew on them, and changes of mind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spondyl.report.tables import NONE, Table
from spondyl.review.analysis.against_labels import AgainstLabels, Confusion, Rescored
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.analysis.with_networks import Changes
from spondyl.review.pages.section import Section
from spondyl.review.pages.words import (
    agreed,
    between,
    by_film,
    count,
    of,
    p_cell,
    share_cells,
    share_columns,
    shared,
    short,
    sure,
    who,
)
from spondyl.trust.intervals import NotRun

CONSENSUS = "more than half"


def against(found: Analysis) -> Section:
    """Experts and data set, reader by reader and together."""
    title, labels = "Experts' labels and the data set's", found.against_labels
    if isinstance(labels, NotRun):
        return Section("labels", title, (f"Not run: {labels.why}.",))
    text = (
        "A film's label by the experts is what more than half of those who read it said, blind: "
        f"{count(labels.n_consensus, 'film has', 'films have')} one, "
        f"{count(labels.n_tied, 'was', 'were')} read without one, and "
        f"{count(labels.n_unread, 'was', 'were')} not read. Films without one are left out and "
        "never decided by lot.",
        "Where experts and data set differ, either may be wrong: readers saw one view and nothing "
        "of the patient.",
    )
    tables = (_readers(labels, found), _matrix(labels.consensus))
    return Section("labels", title, text, None, tables, (_matrices(labels), _films(labels)))


def rescored(found: Analysis) -> Section:
    """Accuracies by both sets of labels, on the same films."""
    title, labels = "Networks scored anew on the experts' labels", found.against_labels
    if isinstance(labels, NotRun):
        return Section("rescored", title, (f"Not run: {labels.why}.",))
    level = sure(found.resampling.level)
    table = Table(
        "rescored",
        "Accuracy by the data set's labels and by the experts'",
        (
            "network",
            "right by data set",
            f"% ({level} Wilson)",
            "right by experts",
            f"experts, % ({level} Wilson)",
            f"difference in points ({level})",
            "errors that experts share",
            "right ones that they do not",
            "p",
        ),
        tuple(_rescored(one) for one in labels.networks),
        (
            "Difference: by experts − by data set, with Newcombe's interval of paired shares "
            "(1998, method 10). p: exact sign test of films on which the two differ.",
        ),
    )
    text = (
        "Both accuracies are of the same films, those on which more than half of the readers are "
        "of one mind. They may be compared with each other and with nothing else: the films of a "
        "survey are chosen.",
    )
    return Section("rescored", title, text, None, (table,))


def minds(found: Analysis) -> Section:
    """Blind agreement with networks, and what heatmaps changed."""
    title = "Readers and networks: blind, and after heatmaps"
    text, tables, files = [], [], []
    if isinstance(found.with_networks, NotRun):
        text.append(f"Blind agreement was not run: {found.with_networks.why}.")
    else:
        columns = ("network", "reader", *share_columns(found.resampling.level))
        columns += (f"Cohen's kappa ({sure(found.resampling.level)})",)
        whole = [
            (one.reader, (one.network, who(one.reader), *share_cells(one.same), agreed(one.kappa)))
            for one in found.with_networks
        ]
        name = "Blind diagnoses that are the network's"
        tables.append(_pooled("networks-blind", name, columns, whole))
        files.append(Table("networks-blind-by-reader", name, columns, tuple(r for _, r in whole)))
    if isinstance(found.changes, NotRun):
        text.append(f"Changes of mind were not run: {found.changes.why}.")
    else:
        text.append(
            "A reader who is won over to a wrong prediction is the harm that a heatmap can do, so "
            "changes are counted by their direction."
        )
        tables.append(_changes(found.changes, found))
    return Section("minds", title, tuple(text), None, tuple(tables), tuple(files))


def told(found: Analysis) -> Iterator[str]:
    """How often the experts' label is the data set's."""
    if isinstance(found.against_labels, AgainstLabels):
        same = found.against_labels.consensus.same
        yield f"The label that more than half of the readers gave is the data set's: {short(same)}."


def _readers(labels: AgainstLabels, found: Analysis) -> Table:
    level = found.resampling.level
    rows = [
        (one.reader or CONSENSUS, *share_cells(one.same)[:3], agreed(one.kappa))
        for one in (*labels.readers, labels.consensus)
    ]
    return Table(
        "labels",
        "Blind diagnoses that are the data set's label",
        (
            "reader",
            *share_columns(level)[:3],
            f"Cohen's kappa ({sure(level)})",
        ),
        tuple(rows),
    )


def _matrix(one: Confusion) -> Table:
    return Table(
        "labels-matrix",
        "Films by the data set's label (rows) and the experts' (columns)",
        ("data set", *one.labels),
        tuple((label, *map(str, row)) for label, row in zip(one.labels, one.counts, strict=True)),
        ("The experts' label is what more than half of the readers said, blind.",),
    )


def _matrices(labels: AgainstLabels) -> Table:
    return Table(
        "labels-matrix-by-reader",
        "Films by the data set's label and each reader's",
        ("reader", "data set", "reader's label", "films"),
        tuple(
            (one.reader or CONSENSUS, truth, said, str(n))
            for one in (*labels.readers, labels.consensus)
            for truth, row in zip(one.labels, one.counts, strict=True)
            for said, n in zip(one.labels, row, strict=True)
        ),
    )


def _films(labels: AgainstLabels) -> Table:
    return Table(
        "labels-by-film",
        "What was said of each film, blind",
        ("film", "data set", "votes", "more than half"),
        tuple(
            (
                one.item_id,
                one.truth or NONE,
                "; ".join(f"{label} {n}" for label, n in one.votes) or NONE,
                one.consensus or NONE,
            )
            for one in labels.films
        ),
    )


def _rescored(one: Rescored) -> tuple[str, ...]:
    difference = NONE
    if one.difference is not None:
        difference = between(one.difference, one.by_formula, 100, 1)
    return (
        one.network,
        of(one.by_data_set),
        shared(one.by_data_set),
        of(one.by_experts),
        shared(one.by_experts),
        difference,
        str(one.n_gained),
        str(one.n_lost),
        p_cell(one.test),
    )


def _pooled(
    slug: str,
    title: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[str | None, tuple[str, ...]]],
) -> Table:
    return Table(slug, title, columns, tuple(row for reader, row in rows if reader is None))


def _changes(changes: tuple[Changes, ...], found: Analysis) -> Table:
    return Table(
        "changes",
        "Diagnoses before and after heatmaps",
        (
            "after heatmaps of",
            "reader",
            "changed",
            f"% ({sure(found.resampling.level)} Wilson)",
            "over films",
            "to network",
            "from network",
            "p, network",
            "to data set",
            "from data set",
            "p, data set",
        ),
        tuple(
            (
                one.network or "all networks",
                who(one.reader),
                of(one.changed),
                shared(one.changed),
                by_film(one.changed),
                NONE if one.n_to_network is None else str(one.n_to_network),
                NONE if one.n_from_network is None else str(one.n_from_network),
                NONE if one.network is None else p_cell(one.network_test),
                str(one.n_to_label),
                str(one.n_from_label),
                p_cell(one.label_test),
            )
            for one in changes
        ),
        (
            "To and from: diagnoses that came to, or left, what the network predicted and what the "
            "data set says. p: sign test of films.",
        ),
    )
