"""What the pictures show: the data behind the lines, the words, the colours of the pixels."""

import io
import subprocess
import sys
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from yolosses.explain.style import PALETTE, ink_on, text_font, text_width
from yolosses.training.evaluation import Detections
from yolosses.training.figures import Found, draw_detections, draw_sheet, plot_terms
from yolosses.training.figures.drawing import class_colour

LAMBDAS = {"xy": 5.0, "wh": 5.0, "obj": 1.0, "noobj": 0.5, "cls": 1.0}
LEGEND = [
    "total",
    "1 centre (xy)",
    "2 size (wh)",
    "3-1 confidence, object",
    "3-2 confidence, no object",
    "4 class",
]


def log(count: int, *, steps_per_epoch: int = 10) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    rows = []
    for step in range(1, count + 1):
        raw = {name: float(rng.uniform(0.5, 1.5) / step) for name in LAMBDAS}
        terms = {name: LAMBDAS[name] * value for name, value in raw.items()}
        rows.append(
            {
                "step": step,
                "epoch": 1 + (step - 1) // steps_per_epoch,
                "seconds": 0.5 * step,
                "images": 8 * step,
                "learning_rate": 0.01 / step,
                "total": sum(terms.values()),
                "terms": terms,
                "unweighted": raw,
                "num_dropped": 0,
                "gradient_norm": 1.0,
            }
        )
    return rows


def panel(figure: Figure, heading: str) -> Axes:
    (found,) = [axes for axes in figure.axes if axes.get_title(loc="left").startswith(heading)]
    return found


def line(axes: Axes, label: str) -> np.ndarray:
    (found,) = [line for line in axes.get_lines() if line.get_label() == label]
    return np.asarray(found.get_xydata())


def legend_of(figure: Figure) -> list[str]:
    (legend,) = [axes.get_legend() for axes in figure.axes if axes.get_legend() is not None]
    return [text.get_text() for text in legend.get_texts()]


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for axes in figure.axes for text in axes.texts)


# ------------------------------------------------------------ curves


def test_lines_are_the_values_of_the_log() -> None:
    rows = log(120)
    figure = plot_terms(rows, "a run")
    for heading, key in (("weighted", "terms"), ("unweighted", "unweighted")):
        for name, label in zip(LAMBDAS, LEGEND[1:], strict=True):
            drawn = line(panel(figure, heading), f"_{label}, single steps")
            np.testing.assert_array_equal(drawn[:, 0], [row["step"] for row in rows])
            np.testing.assert_array_equal(drawn[:, 1], [row[key][name] for row in rows])
    total = line(panel(figure, "weighted"), "_total, single steps")
    np.testing.assert_array_equal(total[:, 1], [row["total"] for row in rows])
    rate = line(panel(figure, "learning rate"), "learning rate")
    np.testing.assert_array_equal(rate[:, 1], [row["learning_rate"] for row in rows])


def test_strong_lines_are_running_means_without_lag() -> None:
    rows = log(120)
    values = np.array([row["terms"]["xy"] for row in rows])
    drawn = line(panel(plot_terms(rows, ""), "weighted"), "1 centre (xy)")[:, 1]
    expected = [values[max(0, i - 1) : i + 2].mean() for i in range(120)]  # 120 // 40 = 3 steps, centred
    np.testing.assert_allclose(drawn, expected, rtol=1e-12)


def test_a_short_log_is_not_smoothed() -> None:
    rows = log(12)
    drawn = line(panel(plot_terms(rows, ""), "unweighted"), "4 class")[:, 1]
    np.testing.assert_array_equal(drawn, [row["unweighted"]["cls"] for row in rows])


def test_words_around_the_curves() -> None:
    figure = plot_terms(log(120), "digits, tiny")
    assert legend_of(figure) == LEGEND
    assert "digits, tiny" in words(figure)
    assert "120 optimiser steps, 960 pictures, 12 epochs, 1 min 00 s" in words(figure)


def test_terms_of_other_losses_are_said_in_words_and_unknown_ones_keep_their_names() -> None:
    row = {"step": 1, "learning_rate": 0.1, "total": 4.0, "terms": {"box": 1.0, "dfl": 2.0, "mine": 1.0}}
    rows = [{**row, "step": step, "unweighted": row["terms"]} for step in (1, 2, 3)]
    figure = plot_terms(rows, "")
    assert legend_of(figure) == ["total", "box overlap", "sides, as distributions", "mine"]
    assert "3 optimiser steps" in words(figure)


def test_lines_differ_without_colour_too() -> None:
    lines = [
        found
        for found in panel(plot_terms(log(80), ""), "weighted").get_lines()
        if not str(found.get_label()).startswith("_")
    ]
    signs = {(found.get_linestyle(), found.get_marker(), found.get_linewidth()) for found in lines}
    assert len({found.get_color() for found in lines}) == len(signs) == 6


def test_shares_stack_up_to_all() -> None:
    rows = log(30)
    axes = panel(plot_terms(rows, ""), "share")
    terms = np.array([list(row["terms"].values()) for row in rows])
    expected = 100 * np.cumsum(terms, axis=1) / terms.sum(axis=1, keepdims=True)
    for index, area in enumerate(axes.collections):
        upper = {}
        for step, height in area.get_paths()[0].vertices:
            upper[round(step)] = max(upper.get(round(step), 0.0), height)
        np.testing.assert_allclose([upper[step] for step in range(1, 31)], expected[:, index], rtol=1e-9)


def test_epochs_stand_above_the_steps_at_which_they_end() -> None:
    figure = plot_terms(log(120, steps_per_epoch=20), "")
    (above,) = panel(figure, "weighted").child_axes
    labels = [tick.get_text() for tick in above.get_xticklabels()]
    places = dict(zip(labels, above.get_xticks(), strict=True))
    assert places["epoch 1"] == 20
    assert places["6"] == 120


def test_a_loss_that_is_not_finite_is_marked() -> None:
    rows = log(50)
    for row in rows[30:]:
        row["total"] = row["terms"]["xy"] = float("nan")
    figure = plot_terms(rows, "")
    assert words(figure).count("not finite at step 31") == 2
    assert np.isnan(line(panel(figure, "weighted"), "1 centre (xy)")[30:, 1]).all()
    assert np.isfinite(line(panel(figure, "weighted"), "1 centre (xy)")[:30, 1]).all()
    assert "not finite" not in words(plot_terms(log(50), ""))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_runs_with_a_term_of_zero_can_be_drawn(count: int) -> None:
    rows = log(count)
    for row in rows:
        row["terms"]["cls"] = row["unweighted"]["cls"] = 0.0
    buffer = io.BytesIO()
    plot_terms(rows, "short").savefig(buffer, format="png", dpi=40)
    picture = np.asarray(Image.open(buffer).convert("RGB"))
    blue = np.abs(picture / 255 - np.array(to_rgb(PALETTE[0]))).max(axis=2) < 0.1
    assert blue.any()  # even a single step leaves a mark


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(ValueError, match="rows: expected at least one logged step; got none"):
        plot_terms([], "empty")
    with pytest.raises(ValueError, match="cells: expected at least one picture; got none"):
        draw_sheet([], NAMES)


def test_nothing_global_is_changed() -> None:
    before = dict(matplotlib.rcParams)
    plot_terms(log(5), "")
    pixels(draw_detections(Found(picture=plain(64, 64), detections=detections()), NAMES))
    assert dict(matplotlib.rcParams) == before
    code = "import sys, yolosses.training.figures; print('matplotlib.pyplot' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


# ------------------------------------------------------------ pictures with boxes


def rgb(colour: str) -> tuple[int, int, int]:
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


def detections(*rows: tuple[float, float, float, float, float, int]) -> Detections:
    values = np.array(rows, np.float64).reshape(-1, 6)
    return Detections(
        boxes=values[:, :4].astype(np.float32),
        scores=values[:, 4].astype(np.float32),
        labels=values[:, 5].astype(np.int64),
    )


def plain(height: int, width: int, value: int = 128) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


NAMES = [f"class {index}" for index in range(20)]
TRUTH = (np.array([[0.5, 0.5, 0.5, 0.5]], np.float32), np.array([2]))


def pixels(figure: Figure) -> np.ndarray:
    """(H, W, 3) uint8, as written."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=150)
    return np.asarray(Image.open(file).convert("RGB"))


def drawn(picture: np.ndarray, *rows: tuple[float, float, float, float, float, int], **more: Any) -> Figure:
    return draw_detections(Found(picture=picture, detections=detections(*rows), **more), NAMES)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def patches(figure: Figure, label: str) -> list[Rectangle]:
    (axes,) = figure.axes
    return [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_label() == label]


def corners(patch: Rectangle) -> list[float]:
    return [*patch.get_xy(), patch.get_x() + patch.get_width(), patch.get_y() + patch.get_height()]


@pytest.mark.parametrize("label", [0, 1, 7, 14])
def test_edges_have_the_colour_of_the_class(label: int) -> None:
    shown = pixels(drawn(plain(640, 640), (0.5, 0.5, 0.5, 0.25, 0.9, label)))
    for x, y in ((160, 320), (480, 320), (320, 240), (320, 400)):  # left, right, top, bottom
        around = [tuple(pixel) for pixel in shown[y - 4 : y + 5, x - 4 : x + 5].reshape(-1, 3)]
        assert rgb(class_colour(label)) in around
        # between two thin lines of black or white, whichever is farther from the colour
        assert rgb(ink_on(class_colour(label))) in around
    assert tuple(shown[320, 150]) == tuple(shown[320, 170]) == (128, 128, 128)


def test_a_label_stands_at_its_box_on_its_colour() -> None:
    figure = drawn(plain(640, 640), (0.5, 0.5, 0.5, 0.25, 0.9, 0))
    assert texts(figure) == ["class 0 0.90"]
    (plate,) = patches(figure, "")
    left, _, _, bottom = corners(plate)
    assert (left, bottom) == pytest.approx((0.25, 0.375))
    inside = pixels(figure)[224:236, 165:220].reshape(-1, 3)
    assert (inside == rgb(PALETTE[0])).all(axis=1).mean() > 0.4
    assert (inside > 200).all(axis=1).any()  # white letters on blue


def test_names_are_drawn_letter_by_letter() -> None:
    found = Found(picture=plain(64, 64), detections=detections((0.5, 0.5, 0.5, 0.25, 0.9, 0)))
    figure = draw_detections(found, ["$5 and $6 杯子"])
    assert texts(figure) == ["$5 and $6 杯子 0.90"]
    (text,) = figure.axes[0].texts
    assert not text.get_parse_math()
    assert text.get_fontfamily() == text_font("en")  # a font with Chinese letters, if there is one


def test_a_box_that_leaves_the_picture_keeps_its_edges_and_its_label() -> None:
    figure = drawn(plain(512, 512), (0.0, 0.0, 4.0, 4.0, 0.9, 0))
    (_, edge), (plate,) = patches(figure, "_found 0"), patches(figure, "")
    assert corners(edge) == pytest.approx([0, 0, 1, 1], abs=0.003)
    left, top, right, bottom = corners(plate)
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1
    shown = pixels(figure)
    for outermost in (shown[300, :2], shown[300, -2:], shown[:2, 300], shown[-2:, 300]):
        assert rgb(PALETTE[0]) in map(tuple, outermost)


def test_the_surest_is_on_top() -> None:
    same = (0.5, 0.5, 0.5, 0.25)
    shown = pixels(drawn(plain(640, 640), (*same, 0.9, 1), (*same, 0.4, 2)))
    assert tuple(shown[320, 480]) == rgb(class_colour(1))


def test_labels_make_way_for_each_other() -> None:
    same = (0.5, 0.5, 0.5, 0.25)
    first, second = patches(drawn(plain(640, 640), (*same, 0.9, 1), (*same, 0.4, 2)), "")
    assert to_hex(first.get_facecolor()).upper() == class_colour(1).upper()
    assert to_hex(second.get_facecolor()).upper() == class_colour(2).upper()
    a, b = corners(first), corners(second)
    assert min(a[2], b[2]) <= max(a[0], b[0]) + 1e-9 or min(a[3], b[3]) <= max(a[1], b[1]) + 1e-9


def test_truths_are_black_and_white_dashes() -> None:
    edge = pixels(drawn(plain(640, 640), truths=TRUTH))[300:400, 156:165].astype(int)
    darkest, lightest = edge.min(axis=1).max(axis=1), edge.max(axis=1).min(axis=1)
    assert 0.25 < (darkest < 64).mean() < 0.75
    assert 0.25 < (lightest > 192).mean() < 0.75


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        ((0.5, 0.5, 0.5, 0.5, 0.9, 2), False),
        ((0.5, 0.5, 0.5, 0.26, 0.9, 2), False),  # IoU 0.52
        ((0.5, 0.5, 0.5, 0.24, 0.9, 2), True),  # IoU 0.48
        ((0.5, 0.5, 0.5, 0.5, 0.9, 3), True),  # another class
    ],
)
def test_a_missed_truth_is_named(found: tuple[float, float, float, float, float, int], missed: bool) -> None:
    assert ("missed: class 2" in texts(drawn(plain(640, 640), found, truths=TRUTH))) == missed


def test_without_detections_every_truth_is_missed() -> None:
    assert texts(drawn(plain(640, 640), truths=TRUTH)) == ["missed: class 2"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((128, 128), (512, 512)), ((96, 128), (384, 512)), ((480, 640), (480, 640)), ((513, 701), (513, 701)),
     ((1080, 1920), (540, 960)), ((3, 1920), (2, 960)), ((1, 4000), (1, 960))],
)  # fmt: skip
def test_small_pictures_are_enlarged_and_large_ones_reduced(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert pixels(drawn(plain(*size))).shape[:2] == expected


def test_a_picture_without_boxes_stays_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (600, 700, 3), np.uint8)
    np.testing.assert_array_equal(pixels(drawn(picture)), picture)


def test_the_picture_given_is_not_drawn_on() -> None:
    picture = plain(640, 640)
    pixels(drawn(picture, (0.5, 0.5, 0.5, 0.5, 0.9, 1), truths=TRUTH))
    assert (picture == 128).all()


def test_bad_pictures_and_labels() -> None:
    with pytest.raises(ValueError, match=r"picture: expected \(H, W, 3\) uint8 or None; got \(8, 8\) uint8"):
        drawn(np.zeros((8, 8), np.uint8))
    for found, truths in ((detections((0.5, 0.5, 0.5, 0.5, 0.9, 5)), None), (detections(), TRUTH)):
        with pytest.raises(ValueError, match=r"labels: expected 0..1; got \[(5|2)\]"):
            draw_detections(Found(picture=plain(8, 8), detections=found, truths=truths), ["a", "b"])


def contrast(a: str, b: str) -> float:
    def luminance(colour: str) -> float:
        channels = np.array(rgb(colour)) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_every_label_can_be_read() -> None:
    # 4.5 is what WCAG asks of small text.
    assert min(contrast(class_colour(label), ink_on(class_colour(label))) for label in range(18)) >= 4.5
    assert len({class_colour(label) for label in range(18)}) == 18
    assert class_colour(18) == class_colour(0)


# ------------------------------------------------------------ sheets


def sheet(*sizes: tuple[int, int], names: list[str] | None = None) -> Figure:
    names = names or [f"picture {index}" for index in range(len(sizes))]
    cells = [
        Found(picture=plain(*size), detections=detections((0.5, 0.5, 0.5, 0.5, 0.9, 2)), name=name)
        for size, name in zip(sizes, names, strict=True)
    ]
    return draw_sheet(cells, NAMES)


def places(figure: Figure) -> list[tuple[float, float, float, float]]:
    """Left, top, right, bottom of each picture in inches."""
    across, down = figure.get_size_inches()
    found = (axes.get_position() for axes in figure.axes)
    return [(b.x0 * across, (1 - b.y1) * down, b.x1 * across, (1 - b.y0) * down) for b in found]


def test_a_sheet_has_rows_of_four_in_the_order_given() -> None:
    found = places(sheet(*[(60, 100)] * 6))
    assert len(found) == 6
    assert [round(place[1], 6) for place in found[:4]] == [round(found[0][1], 6)] * 4
    assert [left for left, *_ in found[:4]] == sorted(left for left, *_ in found[:4])
    assert found[4][0] == pytest.approx(found[0][0])
    assert found[4][1] > found[0][3]


def test_pictures_keep_their_shape_and_are_centred() -> None:
    wide, tall = places(sheet((50, 100), (100, 50)))
    for (left, top, right, bottom), aspect in ((wide, 0.5), (tall, 2.0)):
        assert (bottom - top) / (right - left) == pytest.approx(aspect)
    assert (wide[1] + wide[3]) / 2 == pytest.approx((tall[1] + tall[3]) / 2)


def test_names_stand_below_their_pictures_and_are_cut() -> None:
    figure = sheet((50, 100), (50, 100), names=["short", "a name much too long for its picture " * 4])
    first, second = figure.texts
    assert first.get_text() == "short"
    assert second.get_text().startswith("a name much too long")
    assert second.get_text().endswith("…")
    across, down = figure.get_size_inches()
    for text, (left, _, right, bottom) in zip(figure.texts, places(figure), strict=True):
        x, y = text.get_position()
        assert x * across == pytest.approx((left + right) / 2)
        assert (1 - y) * down > bottom
        assert text_width(text.get_text(), text.get_fontsize(), text_font("en")) <= right - left
