"""What an ensemble's page says in sentences."""

from __future__ import annotations

from spondyl.report.ensembles.made import Made
from spondyl.report.ensembles.tables import interval
from spondyl.trust.answers.comparing import CONDITIONAL, Comparison
from spondyl.trust.asking.map_consistency import Agreement, Detection, MapFigures
from spondyl.trust.intervals import NotRun


def headline(made: Made) -> tuple[str, ...]:
    """The findings, the most important first."""
    sentences = [_accuracy(made), *_against_chosen(made), _against_best(made)]
    if made.looked is None:
        return (*sentences, "Maps were not asked for (--films 0).")
    figures = made.looked.figures
    sentences += [_agreement(figures), _told(figures), *_spine(figures)]
    return tuple(sentences)


def remarks(made: Made) -> tuple[str, ...]:
    """What must be known before any figure is read."""
    said = []
    steered = [one.name for one in made.members if one.configuration.is_steered]
    if steered:
        said.append(
            f"{' and '.join(steered)}: steered by the very films that judge it (protocol paper), "
            "so figures of it, and of the ensemble, are too good."
        )
    repeats = made.members[0].study.splits.repeats
    if repeats > 1:
        said.append(f"The studies drew their folds {repeats} times; all here is of the first draw.")
    if len(made.vote.weights) == 1:
        said.append("One fold only: a first look, and no cross-validated figure.")
    if made.vote.scaled_on != "the tune part":
        lacking = [one for one in made.members if one.why_no_tune]
        why = "; ".join(f"{one.name}: {one.why_no_tune}" for one in lacking)
        said.append(f"Temperatures are from {made.vote.scaled_on}, not from the tune part. {why}.")
    return tuple(said)


def how() -> tuple[str, ...]:
    """How a vote is made and judged."""
    return (
        "Soft vote: the mean of the members' probabilities. Members are configurations that judged "
        "the same films in the same folds, each film by networks none of which learned from it; "
        "hashes of cohort and splits prove it. Temperatures and weights of a fold are chosen on "
        "its tune part, on which no member learned and none is judged.",
        "The rival is the member that has the least cross-entropy on the fold's tune part: what "
        "somebody would have used who could not see the judged films.",
        CONDITIONAL,
    )


def about_maps() -> tuple[str, ...]:
    """How maps are compared."""
    return (
        "All members are asked about the label that the ensemble says. Maps are brought to the "
        "coarsest member's cells over the part of the film that all were shown, and compared "
        "before the ReLU, two by two. Beside them stand two random maps, a member's map and a blob "
        "in the centre of the film, and one configuration's networks of two folds. Agreement no "
        "higher than the blob's says no more than that spines are in the middle. The two folds "
        "show how alike maps are that differ by the films they learned from; what other networks' "
        "maps lack to that is owed to the networks.",
    )


def _accuracy(made: Made) -> str:
    one = made.worth.ensemble
    return (
        f"{made.name}: {one.n_right} of {one.n} films right, {interval(one.accuracy, 100, 1)} %; "
        f"of {one.n_distinct} distinct films {one.n_right_distinct}, "
        f"{100 * one.accuracy_distinct:.1f} %; macro F1 {interval(one.macro_f1)}."
    )


def _against_chosen(made: Made) -> list[str]:
    chosen, against = made.worth.chosen, made.worth.against_chosen
    if isinstance(chosen, NotRun) or isinstance(against, NotRun):
        why = against.why if isinstance(against, NotRun) else ""
        return [f"Against the member chosen on the tune part: not run ({why})."]
    return [
        f"The member that the tune part chose, fold by fold, is right on {chosen.n_right} "
        f"({100 * chosen.accuracy.value:.1f} %). {_verdict(against)}"
    ]


def _against_best(made: Made) -> str:
    names = [one.name for one in made.worth.members]
    at = names.index(made.worth.best_member)
    best, against = made.worth.members[at], made.worth.against_members[at].comparison
    said = (
        f"The best member, chosen on the judged films themselves, is {best.name} with "
        f"{best.n_right} right ({100 * best.accuracy.value:.1f} %)."
    )
    return said if isinstance(against, NotRun) else f"{said} {_verdict(against)}"


def _verdict(one: Comparison) -> str:
    test = one.mcnemar
    gain = interval(one.accuracy.difference, 100, 1)
    told = "can" if test.p_value < 0.05 else "cannot"
    return (
        f"The ensemble gains {gain} points; distinct films right by it alone: {test.first_only}, "
        f"by the other alone: {test.second_only} (exact McNemar p = {test.p_value:.3f}), so these "
        f"films {told} tell them apart."
    )


def _agreement(figures: MapFigures) -> str:
    found = {(one.of, one.films): one for one in figures.agreement}
    right = found["members, two by two", "right"]
    wrong = found["members, two by two", "wrong"]
    beside = [
        f"{said} {found[name, 'right'].rank.value:.2f}"
        for name, said in (
            ("random", "two random maps"),
            ("centre", "a map and a centre blob"),
            ("another fold", "one configuration's networks of two folds"),
        )
        if (name, "right") in found
    ]
    return (
        f"Members' maps agree with rank correlation {_rank(right)} on right films and "
        f"{_rank(wrong)} on wrong ones; {', '.join(beside)}."
    )


def _rank(one: Agreement) -> str:
    return f"{interval(one.rank, digits=2)} (n = {one.n})" if one.n else "no value (n = 0)"


def _told(figures: MapFigures) -> str:
    found = {(one.by, one.of): one for one in figures.detection}
    maps = found["rank correlation of maps", "the vote is wrong"]
    sure = found["the vote's probability", "the vote is wrong"]
    if maps.auc.value != maps.auc.value:
        return (
            f"Whether disagreement of maps tells that the vote is wrong cannot be said: "
            f"{maps.n_wrong} wrong and {maps.n_right} right films have a value."
        )
    return (
        f"Does disagreement of maps tell that the vote is wrong? AUC {_area(maps)}, with "
        f"{maps.n_wrong} wrong films; a low probability of the vote, which costs no map: "
        f"{_area(sure)}."
    )


def _area(one: Detection) -> str:
    return interval(one.auc, digits=2)


def _spine(figures: MapFigures) -> list[str]:
    placed = figures.placed
    if placed is None:
        return ["Whether maps lie on the spine was not asked: no --masks were given."]
    name, gain = placed.over_best
    return [
        f"On the spine lies {interval(placed.ensemble)} of the ensemble's heat (chance "
        f"{placed.chance.value:.3f}, {placed.n} films); the difference from the members' mean is "
        f"{interval(placed.gain)}, from {name}'s, the best of them, {interval(gain)}."
    ]
