"""The numbers behind each chart of a study."""

import re
from dataclasses import replace
from html import unescape

import pytest
from tests.studies.ablation.synthetic import synthetic

from yolosses.apps.pages.charts.study import (
    PALE,
    Bar,
    Bars,
    CalibrationChart,
    Part,
    Path,
    Plane,
    ShareChart,
    Spot,
)
from yolosses.apps.pages.render import _environment
from yolosses.apps.pages.study_plane import trade_off
from yolosses.apps.pages.study_runs import FEW, calibration_chart, share_areas
from yolosses.apps.pages.views.study_numbers import quantity
from yolosses.apps.pages.views.study_relations import calibration, history
from yolosses.studies.ablation.statistics import Interval

NAN = float("nan")


def interval(mean: float, half: float = 0.01, count: int = 3) -> Interval:
    return Interval(mean=mean, low=mean - half, high=mean + half, count=count)


def alone(mean: float) -> Interval:
    """Of one seed."""
    return Interval(mean=mean, low=NAN, high=NAN, count=1)


def data(svg: str, attribute: str) -> list[float]:
    return [float(value) for value in re.findall(rf' data-{attribute}="([^"]+)"', svg)]


def luminance(colour: str) -> int:
    return sum(int(colour[i : i + 2], 16) for i in (1, 3, 5))


# ------------------------------------------------------------ one measure against another


def test_paths_join_settings_in_order_and_others_are_grey() -> None:
    spots = [
        Spot(name=name, x=interval(x, 0.05), y=interval(y), is_default=name == "5")
        for name, x, y in (("1", 0.9, 0.5), ("5", 0.4, 0.7), ("25", 0.2, 0.8))
    ]
    second = [replace(spots[1], name="0.5"), Spot(name="2", x=interval(0.3), y=interval(0.6))]
    other = Spot(name="a = <1>", x=interval(0.5), y=interval(0.5))
    svg = trade_off(
        Plane(
            paths=[Path(name="coord", index=0, spots=spots), Path(name="noobj", index=1, spots=second)],
            others=[other],
            x=quantity("background_fp", "en"),
            y=quantity("mean_iou", "en"),
            good=(-1, 1),
            words=("better", "default"),
            alt="a",
        )
    )
    assert data(svg, "x") == [0.5, 0.9, 0.4, 0.2, 0.4, 0.3]
    assert data(svg, "y") == [0.5, 0.5, 0.7, 0.8, 0.7, 0.6]
    joined = dict(re.findall(r'points="([^"]+)"[^>]*data-path="(\w+)"', svg))
    (points,) = [points for points, name in joined.items() if name == "coord"]
    xs = [float(point.split(",")[0]) for point in points.split()]
    assert xs == sorted(xs, reverse=True)
    dashes = re.findall(r'stroke-dasharray="([^"]*)" data-path', svg)
    assert len(set(dashes)) == 2
    assert svg.count('class="other"') == 1
    assert "a = &lt;1&gt;" in svg
    assert svg.count(">default</text>") == 1  # where the paths meet
    assert [name for name in ("1", "25", "2") if f">{name}</text>" in svg] == ["1", "25", "2"]
    better = re.search(r'class="hint on-data" x="([\d.]+)" y="([\d.]+)"', svg)
    assert better
    assert float(better[1]) < 100  # low background, high IoU: upper left
    assert float(better[2]) < 60


def test_a_single_setting_without_interval() -> None:
    svg = trade_off(
        Plane(
            paths=[
                Path(
                    name="best", index=0, spots=[Spot(name="best", x=alone(0.5), y=alone(0.0))], joined=False
                )
            ],
            others=[],
            x=quantity("recall", "en"),
            y=quantity("precision", "en"),
            good=(1, 1),
            words=("better", "default"),
            alt="a",
        )
    )
    assert "polyline" not in svg
    assert data(svg, "x") == [0.5]


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
    assert Bars(bars=[], longest=0.23).ticks == pytest.approx([0, 0.1, 0.2])
    html = bars("stacked(shown)", shown=Bars(bars=[], longest=0.05))
    assert re.findall(r">([\d.]+ %)</text>", html) == ["0 %", "2 %", "4 %"]


def test_bars_of_nothing() -> None:
    assert "data-value" not in bars("stacked(shown)", shown=Bars(bars=[], longest=0.0))


# ------------------------------------------------------------ runs


def test_calibration_weighs_runs_by_their_detections() -> None:
    first, second = synthetic(lambdas={"lambda_coord": (5,)}, seeds=2).results
    first = replace(
        first, calibration={"score": [0.1, 0.9, 0.5], "iou": [0.0, 0.8, 0.5], "count": [30, 10, 0]}
    )
    second = replace(
        second, calibration={"score": [0.2, 0.9, 0.5], "iou": [0.4, 0.6, 0.5], "count": [10, 0, 0]}
    )
    found = calibration("5", [first, second])
    assert found
    assert found.score == pytest.approx((0.125, 0.9))
    assert found.iou == pytest.approx((0.1, 0.8))
    assert found.count == (40, 10)
    svg = calibration_chart(
        CalibrationChart(lines=[found], default="5", titles=("t", "x", "y"), exact="exact", alt="a")
    )
    assert data(svg, "score") == pytest.approx([0.125, 0.9])
    assert data(svg, "iou") == pytest.approx([0.1, 0.8])
    assert data(svg, "count") == [40, 10]
    hollow = [tag for tag in re.findall(r"<g data-score.*?</g>", svg) if 'fill="#fff"' in tag]
    assert len(hollow) == sum(count < FEW for count in found.count) == 1
    assert calibration("5", [replace(first, calibration={})]) is None


def test_history_is_the_mean_as_far_as_the_shortest_went() -> None:
    first, second = synthetic(lambdas={"lambda_coord": (5,)}, seeds=2).results
    first = replace(first, history={"steps": [0, 10], "terms": {"xy": [1.0, 1.0], "cls": [3.0, 1.0]}})
    second = replace(second, history={"steps": [0, 20], "terms": {"xy": [1.0, 1.0], "cls": [3.0, 3.0]}})
    found = history([first, second])
    assert found
    assert (found.steps[0], found.steps[-1]) == (0, 10)
    assert found.terms["cls"][0] == pytest.approx(3.0)
    assert found.terms["cls"][-1] == pytest.approx(2.0)
    assert found.shares["xy"][0] == pytest.approx(0.25)
    assert found.shares["xy"][-1] == pytest.approx(1 / 3)
    svg = share_areas(
        ShareChart(
            history=found,
            told={"xy": "1 <xy>", "cls": "4"},
            title="t",
            x_title="x",
            alt="a",
        )
    )
    assert data(svg, "last") == pytest.approx([1 / 3, 2 / 3])
    assert "1 &lt;xy&gt;" in svg
    assert history([replace(first, history={})]) is None


def test_a_loss_of_0_has_no_shares() -> None:
    (result,) = synthetic(lambdas={"lambda_coord": (5,)}, seeds=1).results
    found = history([replace(result, history={"steps": [0, 1], "terms": {"xy": [0.0, 0.0]}})])
    assert found
    assert set(found.shares["xy"]) == {0.0}


def test_how_numbers_are_written() -> None:
    entry = quantity("map50", "en")
    assert entry.plus_minus(interval(0.613, 0.0042)) == "61.3 ±0.4"
    assert entry.plus_minus(alone(0.613)) == "61.3"
    assert entry.plus_minus(None) == "–"
    assert unescape(entry.told(interval(0.613, 0.012))) == "61.3 % [60.1, 62.5], 3 runs"
    assert quantity("background_fp", "en").plus_minus(interval(0.42, 0.031)) == "0.42 ±0.03"
    assert quantity("background_fp", "en").title == "background a picture"
    assert quantity("mean_iou", "zh-TW").title == "平均 IoU（%）"
