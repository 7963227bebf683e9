"""The pages of a model audit into a folder: one for each model, and one over them where several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from spondyl.explain.study import record
from spondyl.learn import study as studies
from spondyl.learn.study import STUDY
from spondyl.reading import opening
from spondyl.report.audits import networks, page, several
from spondyl.report.cards.bundled import with_bundle
from spondyl.report.cards.known import Known
from spondyl.report.published import Published
from spondyl.trust.model_audit.audit import ModelAudit
from spondyl.trust.model_audit.several import Several


def write(
    path: Path,
    audits: Sequence[ModelAudit],
    together: Several | None,
    folder: Path,
    published: Published | None = None,
) -> None:
    """Writes the pages of `audits`, of the study or bundle at `path`, into `folder`: of several one
    folder each, and a page of `together` over them."""
    known = known_of(path)
    if together is None:
        (one,) = audits
        networks.write(one, folder, published, known.get(one.title))
        return
    slugs = [f"{at}-{_slug(one.title)}" for at, one in enumerate(audits, start=1)]
    for slug, one in zip(slugs, audits, strict=True):
        (folder / slug).mkdir()
        networks.write(one, folder / slug, published, known.get(one.title))
    pages = [f"{slug}/{page.PAGE}" for slug in slugs]
    page.write(several.contents(together, pages), together.as_dict(), folder)


def known_of(path: Path) -> Mapping[str, Known]:
    """What the study or bundle at `path` knows, by the title of its models."""
    if not (path / STUDY).is_file():
        bundle = opening.load(path)
        return {str(bundle.configuration): with_bundle(Known.of_bundle(bundle), bundle)}
    study = studies.load(path)
    return {
        str(outcome.configuration): Known.of(
            study, outcome, record.load(study.folder, outcome.configuration)
        )
        for outcome in study.outcomes()
        if outcome.predictions is not None
    }


def _slug(title: str) -> str:
    """A title as a folder's name."""
    words = "".join(letter if letter.isalnum() else " " for letter in title).split()
    return "-".join(words)
