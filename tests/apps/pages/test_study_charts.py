"""The numbers behind each chart of a study."""

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from tests.studies.ablation.synthetic import synthetic

from yolosses.apps.pages.charts.bars import PALE, Bar, Bars, Part
from yolosses.apps.pages.charts.calibration import FEW, Calibration, CalibrationChart
from yolosses.apps.pages.charts.plane import Path, Plane, Spot
from yolosses.apps.pages.charts.shares import ShareChart
from yolosses.apps.pages.figure import figure_svg
from yolosses.apps.pages.render import _environment
from yolosses.apps.pages.study import draw
from yolosses.apps.pages.views.study_numbers import quantity
from yolosses.apps.pages.views.study_relations import calibration
from yolosses.studies.ablation.statistics import Interval
from yolosses.studies.term_history import TermHistory

NAN = float("nan")


def interval(mean: float, half: float = 0.01, count: int = 3) -> Interval:
    return Interval(mean=mean, low=mean - half, high=mean + half, count=count)


def alone(mean: float) -> Interval:
    """Of one seed."""
    return Interval(mean=mean, low=NAN, high=NAN, count=1)


def data(svg: str, attribute: str) -> list[float]:
    return [float(value) for value in re.findall(rf' data-{attribute}="([^"]+)"', svg)]


def lines(figure: Figure, name: str) -> list[Line2D]:
    """Those whose id begins so, in the order of drawing."""
    (axes,) = figure.axes
    return [line for line in axes.lines if str(line.get_gid()).startswith(name)]


def points(drawn: list[Line2D]) -> list[tuple[float, float]]:
    """Of each line the points that carry its marker."""
    found = []
    for line in drawn:
        places = np.transpose([line.get_xdata(), line.get_ydata()])
        found += [tuple(place) for place in places[line.get_markevery() or slice(None)].tolist()]
    return found


def words(figure: Figure) -> dict[str, tuple[float, float]]:
    """Texts in the frame, and where each is drawn, in fractions of the frame."""
    figure.canvas.draw()
    (axes,) = figure.axes
    frame = axes.get_window_extent()
    return {
        text.get_text(): (
            (text.get_window_extent().x0 - frame.x0) / frame.width,
            (text.get_window_extent().y0 - frame.y0) / frame.height,
        )
        for text in axes.texts
    }


# ------------------------------------------------------------ one measure against another


def crossing() -> Plane:
    """Two paths that meet in the default, and another setting."""
    spots = [
        Spot(name=name, x=interval(x, 0.05), y=interval(y), is_default=name == "5")
        for name, x, y in (("1", 0.9, 0.5), ("5", 0.4, 0.7), ("25", 0.2, 0.8))
    ]
    second = [replace(spots[1], name="0.5"), Spot(name="2", x=interval(0.3), y=interval(0.6))]
    return Plane(
        paths=[Path(name="coord", index=0, spots=spots), Path(name="noobj", index=1, spots=second)],
        others=[Spot(name="a = <1>", x=interval(0.5), y=interval(0.55))],
        x=quantity("background_fp", "en"),
        y=quantity("mean_iou", "en"),
    )


def test_paths_join_settings_in_order_and_others_are_grey() -> None:
    figure, told = crossing().draw()
    (path,) = lines(figure, "path-0")
    assert points([path]) == [(0.9, 0.5), (0.4, 0.7), (0.2, 0.8)]
    assert points(lines(figure, "spot-0")) == [(0.9, 0.5), (0.4, 0.7), (0.2, 0.8)]
    assert points(lines(figure, "spot-1")) == [(0.4, 0.7), (0.3, 0.6)]
    assert points(lines(figure, "other")) == [(0.5, 0.55)]
    assert points(lines(figure, "default")) == [(0.4, 0.7), (0.4, 0.7)]
    signs = {(line.get_color(), line.get_linestyle()) for line in lines(figure, "path")}
    assert len(signs) == len({dashes for _, dashes in signs}) == 2
    markers = {line.get_marker() for name in ("spot-0", "spot-1") for line in lines(figure, name)}
    assert len(markers) == 2
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["coord", "noobj"]
    assert told["other-0"] == "a = <1>"
    assert told["spot-0-0"].startswith(
        "coord = 1: background a picture 0.90 [0.85, 0.95], 3 runs; mean IoU (%) "
    )


def test_bars_span_the_intervals() -> None:
    figure, _ = crossing().draw()
    bar = lines(figure, "spot-0")[0]
    across, up = np.asarray(bar.get_xdata(), float), np.asarray(bar.get_ydata(), float)
    assert (np.nanmin(across), np.nanmax(across)) == pytest.approx((0.85, 0.95))
    assert (np.nanmin(up), np.nanmax(up)) == pytest.approx((0.49, 0.51))


def test_names_stand_beside_their_points_and_hide_none() -> None:
    figure, _ = crossing().draw()
    said = words(figure)
    assert sorted(said) == ["1", "2", "25", "better", "default"]  # once where the paths meet
    across, up = said["better"]
    assert across < 0.2  # low background, high IoU: upper left
    assert up > 0.85
    (axes,) = figure.axes
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    for name, box in boxes.items():
        assert not any(box.overlaps(other) for of, other in boxes.items() if of != name)
        for line in (*lines(figure, "spot"), *lines(figure, "other")):
            for place in points([line]):
                assert not box.contains(*axes.transData.transform(place)), name


def test_values_far_apart_are_logarithmic() -> None:
    spots = [Spot(name=str(x), x=interval(x, 0.0001), y=interval(0.5)) for x in (0.001, 0.002, 0.1)]
    figure, _ = replace(crossing(), paths=[Path(name="coord", index=0, spots=spots)], others=[]).draw()
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    assert 0 < axes.get_xlim()[0] < 0.001


def test_a_single_setting_without_interval() -> None:
    spots = [Spot(name="best", x=alone(0.5), y=alone(0.0))]
    path = Path(name="best", index=0, spots=spots, joined=False)
    figure, told = replace(crossing(), paths=[path], others=[]).draw()
    assert not lines(figure, "path")
    (spot,) = lines(figure, "spot")
    assert points([spot]) == [(0.5, 0.0)]
    assert np.nanmin(spot.get_xdata()) == np.nanmax(spot.get_xdata()) == 0.5
    assert told["spot-0-0"].startswith("best: ")
    assert "nan" not in figure_svg(figure, alt="a").lower()


# ------------------------------------------------------------ bars


def part(key: str, value: float, fill: int = 0) -> Part:
    return Part(key=key, value=value, told=f"{key} told", shown=f"{value:g}", fill=fill)


def bars(call: str, **view: object) -> str:
    template = _environment("en").from_string('{% import "_bars.html" as bars %}{{ bars.' + call + " }}")
    return template.render(**view)


def test_parts_of_a_bar_lie_end_to_end() -> None:
    shown = Bars(
        bars=[
            Bar(name="<a>", parts=[part("x", 1.0), part("y", 2.0, 1)]),
            Bar(name="b", parts=[], note="none"),
        ],
        longest=4.0,
    )
    html = bars("stacked(shown)", shown=shown)
    assert data(html, "value") == [1.0, 2.0]
    pieces = re.findall(r'<rect x="([\d.]+)%" y="1" width="([\d.]+)%"[^>]* fill="([^"]+)"', html)
    assert pieces == [("0.00", "25.00", "url(#fill-0)"), ("25.00", "50.00", "url(#fill-1)")]
    assert "&lt;a&gt;" in html
    assert "<a>" not in html
    assert re.search(r"<td>\s*none\s*</td>", html)


def test_narrow_parts_carry_no_number_but_tell_it() -> None:
    shown = Bars(bars=[Bar(name="a", parts=[part("x", 0.05), part("y", 0.95)])], longest=1.0)
    html = bars("stacked(shown)", shown=shown)
    assert ">0.05</text>" not in html
    assert "x told" in html
    assert ">0.95</text>" in html


def test_what_is_no_error_is_pale() -> None:
    html = bars("keys(fills)", fills={"correct": PALE, "background": 1})
    assert html.count("swatch pale") == 1
    assert "url(#fill-1)" in html
    shown = Bars(bars=[Bar(name="a", parts=[part("correct", 1.0, PALE)])], longest=1.0)
    assert 'fill="#eceff1"' in bars("stacked(shown)", shown=shown)


def test_round_numbers_stand_below_bars() -> None:
    assert Bars(bars=[], longest=1.0).ticks == [0, 0.25, 0.5, 0.75, 1]
    assert Bars(bars=[], longest=0.3).ticks == pytest.approx([0, 0.1, 0.2, 0.3])
    assert Bars(bars=[], longest=0.23).ticks == pytest.approx([0, 0.1, 0.2])
    html = bars("stacked(shown)", shown=Bars(bars=[], longest=0.05))
    assert re.findall(r">([\d.]+ %)</text>", html) == ["0 %", "2 %", "4 %"]


def test_bars_of_nothing() -> None:
    assert "data-value" not in bars("stacked(shown)", shown=Bars(bars=[], longest=0.0))


# ------------------------------------------------------------ runs


def test_calibration_weighs_runs_by_their_detections() -> None:
    """Part by part of the scores: the second run has none from 0.4 to 0.5, so its list is shorter."""
    first, second = synthetic(lambdas={"lambda_coord": (5,)}, seeds=2).results
    first = replace(
        first, calibration={"score": [0.12, 0.45, 0.95], "iou": [0.0, 0.5, 0.8], "count": [30, 5, 10]}
    )
    second = replace(second, calibration={"score": [0.16, 0.91], "iou": [0.4, 0.6], "count": [10, 30]})
    found = calibration("5", [first, second])
    assert found
    assert found.score == pytest.approx((0.13, 0.45, 0.92))
    assert found.iou == pytest.approx((0.1, 0.5, 0.65))
    assert found.count == (40, 5, 40)
    assert (
        calibration("5", [replace(first, calibration={"score": [0.5], "iou": [0.5], "count": [0]})]) is None
    )
    assert calibration("5", [replace(first, calibration={})]) is None


def test_calibration_is_drawn_against_the_diagonal() -> None:
    line = Calibration(name="5", score=(0.125, 0.9), iou=(0.1, 0.8), count=(40, 10))
    other = replace(line, name="25", iou=(0.2, 0.7), count=(FEW, FEW - 1))
    figure, told = CalibrationChart(lines=[line, other], default="25", parameter="", language="en").draw()
    assert points(lines(figure, "line-0")) == [(0.125, 0.1), (0.9, 0.8)]
    assert points(lines(figure, "line-1")) == [(0.125, 0.2), (0.9, 0.7)]
    assert points(lines(figure, "exact")) == [(0, 0), (1, 1)]
    hollow = {name for name in told if lines(figure, name)[0].get_markerfacecolor() == "white"}
    assert hollow == {"part-0-1", "part-1-1"}
    assert told["part-0-0"] == "5: 0.12, IoU 0.10 (n = 40)"
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines(figure, "line")}) == 2
    bold = {text.get_text(): text.get_fontweight() for text in figure.axes[0].get_legend().get_texts()}
    assert bold == {"5": "normal", "25": "bold"}


def test_scores_above_1_stay_in_the_frame() -> None:
    line = Calibration(name="5", score=(1.3,), iou=(0.5,), count=(40,))
    figure, _ = CalibrationChart(lines=[line], default=None, parameter="", language="en").draw()
    assert figure.axes[0].get_xlim() == (0, 1.3)


def test_what_an_area_means_is_told() -> None:
    history = TermHistory(steps=(0, 10), terms={"xy": (1.0, 1.0), "cls": (3.0, 1.0)})
    svg = draw(
        ShareChart(history=history, told={"xy": "1 <xy>", "cls": "4"}, title="t", x_title="x", alt="a")
    )
    assert re.search(r'share-0"><title>1 &lt;xy&gt;</title>', svg)
    assert re.search(r'share-1"><title>4</title>', svg)
    assert 'aria-label="a"' in svg


def test_how_numbers_are_written() -> None:
    entry = quantity("map50", "en")
    assert entry.plus_minus(interval(0.613, 0.0042)) == "61.3 ±0.4"
    assert entry.plus_minus(alone(0.613)) == "61.3"
    assert entry.plus_minus(None) == "–"
    assert unescape(entry.told(interval(0.613, 0.012))) == "61.3 % [60.1, 62.5], 3 runs"
    assert quantity("background_fp", "en").plus_minus(interval(0.42, 0.031)) == "0.42 ±0.03"
    assert quantity("background_fp", "en").title == "background a picture"
    assert quantity("mean_iou", "zh-TW").title == "平均 IoU（%）"
