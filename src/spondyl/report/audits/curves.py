"""Figures of how sure networks are: reliability, what abstaining brings, sets, and screening.

Decision: curves and bars where the audit of a single figure would hide the trade; every one is
drawn with what somebody without the networks could have. Bins are those of the audit, so that
figure and table count the same films.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spondyl.report import figures
from spondyl.report.audits.figures import dot, left_of
from spondyl.report.canvas import BLUE, INK, SKY, VERMILION, WIDTH, new_figure, new_panels, styled
from spondyl.trust.answers.calibration import Calibration
from spondyl.trust.answers.cross_conformal import ConformalSets
from spondyl.trust.answers.net_benefit import DecisionCurve
from spondyl.trust.answers.screening import OperatingPoint
from spondyl.trust.answers.selective import RiskCoverage

_DASHED = (0, (4, 3))
_NAN = float("nan")
_GREYS = (0.06, 0.16, 0.32, 0.55)


@styled
def sure(found: Calibration, curve: RiskCoverage, stated_error: float | None) -> Figure:
    """Reliability as it came and after temperatures, and how often the surest films are wrong."""
    figure, panels = new_panels(3, height=2.75)
    figures.draw_reliability(panels[0], found.before.bins)
    panels[0].set(title="As it came", ylabel="right, %")
    if found.after is None:
        _absent(panels[1], "no temperature:\n" + _broken(found.why_not_after))
    else:
        figures.draw_reliability(panels[1], found.after.bins)
    panels[1].set(title="After temperatures")
    _draw_risk(panels[2], curve, stated_error)
    return figure


@styled
def sets(promised: Sequence[tuple[str, ConformalSets]]) -> Figure:
    """How often sets hold the true label, in all and by label, and how much they leave open."""
    figure = new_figure(WIDTH, 1.0 + 0.3 * (1 + len(promised[0][1].labels)))
    axes, bars = figure.subplots(1, 2, width_ratios=(3, 2))
    labels = [one.label for one in promised[0][1].labels]
    for number, (name, found) in enumerate(promised):
        shift = 0.13 * (2 * number - len(promised) + 1)
        colour, marker = ((BLUE, "o"), (VERMILION, "s"))[number % 2]
        every = [found.coverage, *(one.coverage for one in found.labels)]
        for y, one in enumerate(every):
            dot(axes, one, y + shift, colour, marker)
        axes.plot(_NAN, _NAN, marker=marker, color=colour, ms=5, lw=1.6, label=name)
    stated = 100 * (1 - promised[0][1].alpha)
    axes.axvline(stated, color=INK, ls=_DASHED, lw=1, label=f"promised, {stated:g} %")
    axes.set_yticks(range(1 + len(labels)), ["all", *labels])
    axes.set(xlabel="sets that hold the true label, %", xlim=(left_of(axes, stated), 101))
    axes.set(ylim=(len(labels) + 0.5, -0.5))
    axes.grid(axis="y", visible=False)
    _draw_sizes(bars, promised)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.2, 1), ncols=3, columnspacing=1)
    bars.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, columnspacing=1, handlelength=1)
    return figure


@styled
def screened(found: OperatingPoint, curve: DecisionCurve | None) -> Figure:
    """What alarms and all-clears are worth where few or many are abnormal, and the net benefit."""
    figure = new_figure(WIDTH, 2.9)
    axes, benefit = figure.subplots(1, 2)
    for y, one in enumerate(found.predictive):
        dot(axes, one.ppv, y - 0.13, VERMILION, "s", one.ppv_films)
        dot(axes, one.npv, y + 0.13, BLUE, "o", one.npv_films)
    axes.plot(_NAN, _NAN, "s-", color=VERMILION, ms=5, label="alarms that are true")
    axes.plot(_NAN, _NAN, "o-", color=BLUE, ms=5, label="all-clears that are true")
    stated = [
        f"{100 * one.prevalence:.0f} %" + ("\n(these films)" if one.of_cohort else "")
        for one in found.predictive
    ]
    axes.set_yticks(range(len(stated)), stated)
    axes.set(xlabel="true, %", ylabel="share that is abnormal", xlim=(0, 101))
    axes.set(ylim=(len(stated) - 0.5, -0.9))
    axes.grid(axis="y", visible=False)
    axes.legend(loc="upper left", ncols=2, columnspacing=1, handletextpad=0.5, fontsize=7)
    if curve is None:
        _absent(benefit, "no decision curve")
    else:
        _draw_benefit(benefit, curve)
    return figure


def _draw_risk(axes: Axes, curve: RiskCoverage, stated_error: float | None) -> None:
    axes.plot(100 * curve.coverage, 100 * curve.risk, color=BLUE, lw=1.6)
    highest = 100 * max(float(curve.risk.max()), curve.uninformed, stated_error or 0.0, 0.01)
    axes.axhline(100 * curve.uninformed, color=INK, ls=(0, (1, 3)), lw=1)
    if stated_error is not None:
        axes.axhline(100 * stated_error, color=INK, ls=_DASHED, lw=1)
    axes.set(title="If it answers only the surest", xlabel="films answered, %", ylabel="wrong, %")
    axes.set(xlim=(0, 101), ylim=(0, 1.15 * highest))
    axes.set_box_aspect(1)


def _draw_sizes(axes: Axes, promised: Sequence[tuple[str, ConformalSets]]) -> None:
    """Shares of sets with no label, one, several, and all, as bars of four greys."""
    for y, (_, found) in enumerate(promised):
        sizes, left = found.sizes, 0.0
        several = max(0.0, 1 - sizes.empty - sizes.singletons - sizes.full)
        shares = (sizes.empty, sizes.singletons, several, sizes.full)
        for share, name, alpha in zip(
            shares, ("none", "one", "several", "all"), _GREYS, strict=True
        ):
            named = name if y == 0 else None
            axes.barh(y, 100 * share, 0.5, 100 * left, color=INK, alpha=alpha, lw=0, label=named)
            if share >= 0.1:
                middle, said = 100 * (left + share / 2), f"{100 * share:.0f} %"
                axes.text(middle, y, said, ha="center", va="center", size=7)
            left += share
    axes.set_yticks(range(len(promised)), [name for name, _ in promised])
    axes.set(xlabel="labels in a set, % of sets", xlim=(0, 100))
    axes.set(ylim=(len(promised) - 0.5, -0.5))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)


def _draw_benefit(axes: Axes, curve: DecisionCurve) -> None:
    at = [100 * one.threshold for one in curve.points]
    model = [one.model for one in curve.points]
    low, high = ([getattr(one.interval, end) for one in model] for end in ("low", "high"))
    axes.fill_between(at, low, high, color=SKY, alpha=0.35, lw=0)
    axes.plot(at, [one.value for one in model], color=BLUE, lw=1.6, label="by its answer")
    everybody = [one.treat_all for one in curve.points]
    axes.plot(at, everybody, color=INK, ls=_DASHED, lw=1, label="everybody")
    axes.axhline(0, color=INK, lw=0.8, ls=(0, (1, 2)), label="nobody")
    highest = max([curve.prevalence, *(end for end in high if not math.isnan(end))])
    lowest = min([0.0, *(one.value for one in model if not math.isnan(one.value))])
    axes.set(xlabel="acted on from this probability, %", ylabel="net benefit, true finds per film")
    axes.set(ylim=(min(lowest, -0.15 * highest), 1.25 * highest))
    axes.legend(loc="upper right", ncols=3, columnspacing=1, fontsize=7)


def _absent(axes: Axes, why: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes, size=7)


def _broken(text: str, width: int = 30) -> str:
    """`text` on lines of about `width` letters."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
