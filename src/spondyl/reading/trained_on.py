"""What a bundle was trained on, counted: enough to see that a new film is of another kind.

Counts and ranges only, never a film. What nobody stated of the training films cannot be compared
with, and is said so. Nothing here changes a number: what is out of range is a warning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spondyl.data.cohort import Cohort
from spondyl.data.dicom.facts import DicomFacts
from spondyl.data.pixels import Pixels
from spondyl.data.radiograph import NOT_STATED

SPINE_REGIONS = (
    *("SPINE", "CSPINE", "TSPINE", "LSPINE", "SSPINE", "CTSPINE", "TLSPINE", "LSSPINE"),
    *("WHOLESPINE", "SPINEFULL", "BACK", "COLUMN", "VERTEBRA", "SACRUM", "LUMBAR", "THORACIC"),
    *("CERVICAL", "WIRBEL", "SCOLIOSIS"),
)
"""Parts of body names that mean the spine: the Defined Terms of PS3.16 annex L, spelled with or
without spaces, and what is met beside them."""


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """The cohort of a bundle in numbers; films of one group are counted each."""

    n_films: int
    n_groups: int
    labels: Mapping[str, int]
    """Films of each label."""
    views: Mapping[str, Mapping[str, int]]
    """label → view → films; "not stated" is a view here."""
    sexes: Mapping[str, int]
    ages_years: tuple[float, float] | None
    """The youngest and the oldest; None where no film states an age."""
    n_without_age: int
    formats: Mapping[str, int]

    @classmethod
    def of(cls, cohort: Cohort) -> TrainedOn:
        """The numbers of a labelled cohort."""
        films = cohort.radiographs
        ages = [film.age_years for film in films if film.age_years is not None]
        return cls(
            n_films=len(films),
            n_groups=len({film.group_id for film in films}),
            labels=dict(cohort.counts),
            views={
                label: dict(sorted(Counter(f.view for f in films if f.label == label).items()))
                for label in cohort.labels.names
            },
            sexes=dict(sorted(Counter(film.sex for film in films).items())),
            ages_years=(min(ages), max(ages)) if ages else None,
            n_without_age=len(films) - len(ages),
            formats=dict(sorted(Counter(film.file.format for film in films).items())),
        )

    def n_of_view(self, view: str) -> int:
        """Films of a view, all labels together."""
        return sum(of.get(view, 0) for of in self.views.values())

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "n_films": self.n_films,
            "n_groups": self.n_groups,
            "labels": dict(self.labels),
            "views": {label: dict(of) for label, of in self.views.items()},
            "sexes": dict(self.sexes),
            "ages_years": None if self.ages_years is None else list(self.ages_years),
            "n_without_age": self.n_without_age,
            "formats": dict(self.formats),
        }


def strange_in(film: Pixels, trained_on: TrainedOn) -> tuple[str, ...]:
    """A sentence for each thing that a film states of itself and no training film had; and for
    what its pixels went through."""
    if film.dicom is None:
        return ()
    return (*_unlike(film.dicom, trained_on), *film.dicom.notes)


def not_compared(film: Pixels, trained_on: TrainedOn) -> tuple[str, ...]:
    """What could not be compared, because the film or the training films do not state it."""
    stated: dict[str, tuple[bool, bool]] = {
        "view": (
            film.dicom is not None and film.dicom.view != NOT_STATED,
            trained_on.n_of_view(NOT_STATED) < trained_on.n_films,
        ),
        "age": (
            film.dicom is not None and film.dicom.age_years is not None,
            trained_on.ages_years is not None,
        ),
        "sex": (
            film.dicom is not None and film.dicom.sex != NOT_STATED,
            trained_on.sexes.get(NOT_STATED, 0) < trained_on.n_films,
        ),
        "body part": (film.dicom is not None and film.dicom.body_part != NOT_STATED, True),
    }
    by_film = [name for name, (here, _) in stated.items() if not here]
    by_cohort = [name for name, (here, there) in stated.items() if here and not there]
    said = []
    if by_film:
        said.append(f"the film does not state {_listed(by_film)}, so nothing was compared")
    if by_cohort:
        said.append(f"no training film states {_listed(by_cohort)}, so nothing was compared")
    return tuple(said)


def _unlike(stated: DicomFacts, trained_on: TrainedOn) -> Iterator[str]:
    part = "".join(letter for letter in stated.body_part.upper() if letter.isalpha())
    if stated.body_part != NOT_STATED and not any(name in part for name in SPINE_REGIONS):
        yield f"the film shows another part of the body by its header ({stated.body_part})"
    n_known = trained_on.n_films - trained_on.n_of_view(NOT_STATED)
    if stated.view != NOT_STATED and n_known and not trained_on.n_of_view(stated.view):
        yield f"no training film whose view is known is {stated.view}, as this one is"
    if stated.age_years is not None and trained_on.ages_years is not None:
        youngest, oldest = trained_on.ages_years
        if not youngest <= stated.age_years <= oldest:
            yield (
                f"the patient's age is outside that of the training films, {youngest:g} to "
                f"{oldest:g} years"
            )
    known = {sex: n for sex, n in trained_on.sexes.items() if sex != NOT_STATED}
    if stated.sex != NOT_STATED and known and not known.get(stated.sex):
        yield "no training film is of a patient of the sex that the header states"
    if stated.laterality != NOT_STATED:
        yield f"the film is said to be of the {stated.laterality} side, which a spine has not"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
