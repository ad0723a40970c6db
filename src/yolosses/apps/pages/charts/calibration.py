"""How well the score of a detection says how well its box fits: IoU against score, a line a setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from yolosses.apps.pages.figure import fixed_chart
from yolosses.explain.style import FAINT_INK, INK, line_signs
from yolosses.language import Language, catalogue

FEW = 20  # detections: a point from fewer is hollow
SIDE = 268.0
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Detections of a setting by parts of their scores, those without detections left out.

    Attributes:
        score, iou: means. count: of detections, over all runs.
    """

    name: str
    score: tuple[float, ...]
    iou: tuple[float, ...]
    count: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class CalibrationChart:
    """IoU against score, a line a setting.

    Attributes:
        default: name of the line that is the default. parameter: whose values the settings have, "" for none.
    """

    lines: Sequence[Calibration]
    default: str | None
    parameter: str
    language: Language

    @property
    def alt(self) -> str:
        """What it shows, for those who cannot see it."""
        _ = catalogue(self.language).gettext
        return _("IoU against score by {parameter}").format(parameter=self.parameter or _("setting"))

    def draw(self) -> tuple[Figure, dict[str, str]]:
        """The lines, and the diagonal where scores are exact."""
        _ = catalogue(self.language).gettext
        figure, axes = fixed_chart(SIDE, SIDE, left=46, right=10, top=30, bottom=46, title=_("IoU by score"))
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.75, linestyle=(0, (5, 4)), gid="exact")
        axes.text(
            0.25, 0.28, _("exact"), ha="center", va="bottom", rotation=45, rotation_mode="anchor",
            transform_rotates_text=True, fontsize=8.25, color=FAINT_INK,
        )  # fmt: skip
        told = {}
        for index, line in enumerate(self.lines):
            signs = line_signs(index, size=6.0)
            hollow = {"markerfacecolor": "white", "markeredgecolor": signs["color"], "markeredgewidth": 1.35}
            axes.plot(line.score, line.iou, **signs, linewidth=1.5, label=line.name, gid=f"line-{index}")
            for part, (score, iou, count) in enumerate(zip(line.score, line.iou, line.count, strict=True)):
                point = f"part-{index}-{part}"
                told[point] = f"{line.name}: {score:.2f}, IoU {iou:.2f} (n = {count:,})"
                shape = signs | {"linestyle": ""} | (hollow if count < FEW else {})
                axes.plot([score], [iou], **shape, clip_on=False, gid=point)
        highest = max((score for line in self.lines for score in line.score), default=1.0)
        axes.set_xlim(0, max(1.0, highest))  # nothing keeps a score below 1
        axes.set_ylim(0, 1)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(TICKS, [f"{number:g}" for number in TICKS])
        axes.tick_params(length=0)
        axes.grid(True, color="#E6E6E6", linewidth=0.75)
        axes.set_xlabel(_("score"))
        axes.set_ylabel(_("IoU"))
        legend = axes.legend(  # in the lower right: high scores are seldom of boxes that fit nothing
            loc="lower right", fontsize=9, labelcolor="#404040", facecolor="white", framealpha=0.85, edgecolor="none",
            borderaxespad=0.1, borderpad=0.2, labelspacing=0.3, handlelength=2.6,
        )  # fmt: skip
        for text in legend.get_texts():
            if text.get_text() == self.default:
                text.set(fontweight="bold", color=INK)
        return figure, told
