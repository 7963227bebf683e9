"""What each score of a heatmap is called, which way is better, and who defined it.

Decision: the names of scores are few and fixed, so their words stand in one list, and a test holds
it against what is scored; the price is that a new score has to be described before it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spondyl.explain.explaining import METHODS
from spondyl.explain.sanity import UNCHANGED
from spondyl.explain.study.record import Explanations
from spondyl.trust.heatmap_scores import Direction

CHANCE = "-chance"
"""A score's chance level is the score of this name after its own."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score of single maps."""

    name: str
    """In the table of scores."""
    title: str
    direction: Direction
    source: str
    """arXiv number, DOI or citation."""
    says: str = ""
    """What is measured, where the title does not tell."""
    digits: str = ".2f"


@dataclass(frozen=True, slots=True)
class Check:
    """A comparison of two maps of a method."""

    name: str
    title: str
    direction: Direction
    source: str
    reference: str = ""
    """Score that it is read against, "0" for that number, or ""."""
    against: str = ""
    """The reference in words."""
    share_unchanged: str = ""
    """Score that is 1 for maps that are unchanged, where that is the verdict."""
    says: str = ""


FAITHFULNESS = (
    Score("deletion", "deletion", "lower", "1806.07421", "area while hot pixels are taken"),
    Score("insertion", "insertion", "higher", "1806.07421", "area while hot pixels are given"),
    Score("road-gap", "ROAD gap", "higher", "2202.00449", "0 for a map that knows nothing"),
    Score(
        "average-drop", "average drop", "lower", "1710.11063", "of the film seen through the map"
    ),
    Score("increase", "increase in confidence", "higher", "1710.11063", "share of films"),
)
SPREAD = (
    Score("entropy-share", "entropy share", "none", "2005.00631", "1 for an even map"),
    Score("effective-area", "effective area", "none", "2 to the entropy", "share of the grid"),
    Score("gini", "Gini index", "none", "1810.06583", "0 for an even map"),
    Score("peak", "raw peak", "none", "the method's", "in its own unit", digits=".2g"),
)
PLACES = (
    Score("energy", "energy on the spine", "higher", "1910.01279"),
    Score("pointing", "peak on the spine", "higher", "1608.00507"),
    Score("concordance", "concordance (IoU)", "higher", "Vardhan, after Ahmad et al. 2026"),
    Score(
        "peak-distance",
        "peak to target",
        "lower",
        "Kim, after Ahmad et al. 2026",
        "share of the film's diagonal",
    ),
    *(
        Score(
            f"{question}-{measure}",
            f"{said}, {measure}",
            "higher",
            "the film's name",
            "all of the peak" if measure == "peak" else "more than half of the energy",
        )
        for question, said in (
            ("side", "side of the curve"),
            ("region", "region of the curve"),
            ("slipped-level", "slipped level"),
        )
        for measure in ("peak", "energy")
    ),
)
CHECKS = (
    Check(
        "randomised-rank",
        "all weights random",
        "lower",
        "1810.03292",
        "unrelated-rank",
        "two random networks",
        "randomised-unchanged",
        f"unchanged: rank correlation of values or magnitudes {UNCHANGED} or more",
    ),
    Check("randomised-head-rank", "head random", "lower", "1810.03292"),
    Check("other-label-rank", "asked about the second label", "lower", "1810.03292"),
    Check(
        *("shift-rank", "film moved", "higher", "ours"),
        *("between-films-rank", "other films"),
    ),
    Check(
        *("shading-rank", "brightness or contrast changed", "higher", "ours"),
        *("between-films-rank", "other films"),
    ),
    Check("flip-rank", "film mirrored", "higher", "ours", "between-films-rank", "other films"),
    Check("fold-agreement-rank", "another fold's network", "higher", "ours", "0", "chance"),
    Check(
        *("fold-agreement-overlap", "another fold's network, hottest cells", "higher", "ours"),
        *("fold-agreement-chance", "chance"),
        says="intersection over union; all others are rank correlations of cells",
    ),
)

FEWER = (
    "Means (95 % interval over groups); “/ n” on n films, where these are not as many as in "
    "the last column: a map without any positive cell has no value. A baseline is beaten if the "
    "interval of the difference, film by film, lies on the better side of zero."
)
_AGREEMENT = (
    "“Another fold's network” compares all pairs of {} fold networks on each film; but for the one "
    "that was tested on it, they had the film among those they learned from or were steered by, so "
    "agreement leans upwards. Maps are compared before a ReLU that ends the method."
)
SIDE_BY_SIDE = (
    "All were asked about the same films, each about the label that it predicted itself; the rows "
    "tell where each looks, and not which is the better network: one that is less sure of its "
    "answers has a lower deletion and a lower insertion whatever its maps.",
    "Deletion: lower is better; insertion: higher (both 1806.07421). Energy over chance: share of "
    "the map's energy on the spine less the spine's share of the film (1910.01279), higher. "
    "Entropy share: 1 for an even map (2005.00631), no better or worse. Means (95 % interval over "
    "groups).",
)


def footnote(scores: Sequence[Score | Check]) -> str:
    """Which way is better, what is measured and by whom, of each score; "" for none."""
    better = {
        "higher": "higher is better",
        "lower": "lower is better",
        "none": "no better or worse",
    }
    said = [
        f"{score.title}: {better[score.direction]}{f', {score.says}' if score.says else ''} "
        f"({score.source})"
        for score in scores
    ]
    return f"{'; '.join(said)}." if said else ""


def how_made(explanations: Explanations) -> str:
    """How many films, how drawn, in how many steps and at what cost."""
    about, settings = explanations.about, explanations.about.settings
    shares = ", ".join(f"{100 * share:g}" for share in settings["road_shares"])
    return (
        f"{len(about.image_ids)} films, drawn from the classes in turn with seed "
        f"{settings['seed']}; {len(about.cascade_ids)} of them for random weights. Deletion and "
        f"insertion in {settings['deletion_and_insertion_steps']} steps, ROAD at {shares} % of the "
        f"pixels; {about.forward_passes} forward passes."
    )


def how_changed(explanations: Explanations) -> str:
    """By how much films were changed, and how many networks were compared."""
    about, settings = explanations.about, explanations.about.settings
    moved = max(abs(by) for shift in settings["shifts_px"] for by in shift)
    return (
        f"Moved by {moved} px of the network grid in {len(settings['shifts_px'])} directions; "
        f"brightness and contrast ± {100 * settings['shading']:g} %; hottest cells: "
        f"{100 * settings['overlap_top_share']:g} %. " + _AGREEMENT.format(about.n_networks)
    )


def named_together(methods: Sequence[str]) -> str:
    """Titles of methods that are one picture: "CAM = Grad-CAM"."""
    return " = ".join(METHODS[name].title for name in methods)


def one_picture(pictures: Sequence[Sequence[str]]) -> str:
    """Which methods are one picture on this network; "" where none is."""
    said = [
        f"{named_together(together)}: one picture on this network, up to a factor and the ReLU; "
        f"computed as {METHODS[together[0]].title} and counted once."
        for together in pictures
        if len(together) > 1
    ]
    return " ".join(said)
