"""What the pictures show: the data behind the lines, the words, the colours of the pixels."""

import io
import subprocess
import sys
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from yolosses.explain.style import PALETTE, ink_on
from yolosses.training.evaluation import Detections
from yolosses.training.figures import contact_sheet, draw_detections, plot_metrics, plot_terms
from yolosses.training.figures.drawing import _colour

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


def test_scores_over_the_evaluations() -> None:
    history = [
        {"epoch": 2, "step": 20, "map50": 0.2, "map50_95": 0.1},
        {"epoch": 4, "step": 40, "map50": 0.7, "map50_95": None},
        {"epoch": 6, "step": 60, "map50": 0.6, "map50_95": 0.3},
    ]
    (axes,) = plot_metrics(history).axes
    np.testing.assert_array_equal(line(axes, "mAP50"), [[20, 0.2], [40, 0.7], [60, 0.6]])
    np.testing.assert_array_equal(line(axes, "mAP50:95"), [[20, 0.1], [40, np.nan], [60, 0.3]])
    assert [text.get_text() for text in axes.texts] == ["0.700", "0.300"]  # the best of each
    assert axes.get_legend() is not None


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(ValueError, match="rows: expected at least one logged step; got none"):
        plot_terms([], "empty")
    with pytest.raises(ValueError, match="history: expected at least one evaluation; got none"):
        plot_metrics([])


def test_nothing_global_is_changed() -> None:
    before = dict(matplotlib.rcParams)
    plot_terms(log(5), "")
    plot_metrics([{"epoch": 1, "step": 1, "map50": 0.5, "map50_95": 0.2}])
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


@pytest.mark.parametrize("label", [0, 1, 7, 14])
def test_edges_have_the_colour_of_the_class(label: int) -> None:
    drawn = np.asarray(draw_detections(plain(640, 640), detections((0.5, 0.5, 0.5, 0.25, 0.9, label)), NAMES))
    for x, y in ((160, 320), (480, 320), (320, 240), (320, 400)):  # left, right, top, bottom
        assert tuple(drawn[y, x]) == rgb(_colour(label))
    # between two thin lines of black or white, whichever is farther from the colour
    assert tuple(drawn[320, 158]) == tuple(drawn[320, 161]) == rgb(ink_on(_colour(label)))
    assert tuple(drawn[320, 150]) == tuple(drawn[320, 170]) == (128, 128, 128)


def test_the_label_lies_on_a_patch_of_the_same_colour_above_the_box() -> None:
    drawn = np.asarray(draw_detections(plain(640, 640), detections((0.5, 0.5, 0.5, 0.25, 0.9, 0)), NAMES))
    patch = drawn[224:236, 163:220].reshape(-1, 3)
    assert (patch == rgb(PALETTE[0])).all(axis=1).mean() > 0.4
    assert (patch == 255).all(axis=1).any()  # white letters on blue
    assert (drawn[200:215] == 128).all()


def test_a_box_at_the_border_keeps_its_edges_and_its_label() -> None:
    drawn = np.asarray(draw_detections(plain(512, 512), detections((0.0, 0.0, 4.0, 4.0, 0.9, 0)), NAMES))
    for x, y in ((0, 300), (511, 300), (300, 0), (300, 511)):
        assert tuple(drawn[y, x]) == rgb(PALETTE[0])
    assert (drawn[2:14, 3:60].reshape(-1, 3) == rgb(PALETTE[0])).all(axis=1).mean() > 0.4


def test_the_surest_is_on_top() -> None:
    same = (0.5, 0.5, 0.5, 0.25)
    drawn = np.asarray(draw_detections(plain(640, 640), detections((*same, 0.9, 1), (*same, 0.4, 2)), NAMES))
    assert tuple(drawn[320, 480]) == rgb(_colour(1))


def test_labels_make_way_for_each_other() -> None:
    same = (0.5, 0.5, 0.5, 0.25)
    drawn = np.asarray(draw_detections(plain(640, 640), detections((*same, 0.9, 1), (*same, 0.4, 2)), NAMES))
    for label in (1, 2):  # each patch shows as an area, not only as an edge
        assert (drawn == rgb(_colour(label))).all(axis=2).sum() > 600


def test_truths_are_black_and_white_dashes() -> None:
    drawn = np.asarray(draw_detections(plain(640, 640), detections(), NAMES, truths=TRUTH))
    edge = drawn[300:400, 160]
    assert {tuple(pixel) for pixel in edge} == {(0, 0, 0), (255, 255, 255)}
    assert 0.3 < (edge == 255).all(axis=1).mean() < 0.7


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
    drawn = np.asarray(draw_detections(plain(640, 640), detections(found), NAMES, truths=TRUTH))
    white = (drawn == 255).all(axis=2)
    # The white patch of a name is the only white that is 20 pixels wide: dashes are 5.
    assert np.lib.stride_tricks.sliding_window_view(white, 20, axis=1).all(axis=2).any() == missed


@pytest.mark.parametrize(
    ("size", "expected"), [((128, 128), (512, 512)), ((96, 128), (384, 512)), ((480, 640), (480, 640))]
)
def test_small_pictures_are_enlarged(size: tuple[int, int], expected: tuple[int, int]) -> None:
    drawn = draw_detections(plain(*size), detections((0.5, 0.5, 0.5, 0.5, 0.9, 1)), NAMES)
    assert (drawn.height, drawn.width) == expected
    assert drawn.getpixel((expected[1] // 4, expected[0] // 2)) == rgb(_colour(1))  # boxes with it


def test_large_pictures_are_reduced() -> None:
    assert draw_detections(plain(1080, 1920), detections(), NAMES).size == (960, 540)
    assert draw_detections(plain(1080, 1920), detections(), NAMES, max_side=320).size == (320, 180)


def test_a_picture_without_boxes_stays_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (600, 700, 3), np.uint8)
    np.testing.assert_array_equal(np.asarray(draw_detections(picture, detections(), NAMES)), picture)


def test_the_picture_given_is_not_drawn_on() -> None:
    picture = plain(640, 640)
    draw_detections(picture, detections((0.5, 0.5, 0.5, 0.5, 0.9, 1)), NAMES, truths=TRUTH)
    assert (picture == 128).all()


def test_bad_pictures_and_labels() -> None:
    with pytest.raises(ValueError, match=r"picture: expected \(H, W, 3\) uint8; got \(8, 8\) uint8"):
        draw_detections(np.zeros((8, 8), np.uint8), detections(), NAMES)
    with pytest.raises(ValueError, match=r"detections: expected labels 0..1; got \[5\]"):
        draw_detections(plain(8, 8), detections((0.5, 0.5, 0.5, 0.5, 0.9, 5)), ["a", "b"])
    with pytest.raises(ValueError, match=r"truths: expected labels 0..1; got \[2\]"):
        draw_detections(plain(8, 8), detections(), ["a", "b"], truths=TRUTH)


def contrast(a: str, b: str) -> float:
    def luminance(colour: str) -> float:
        channels = np.array(rgb(colour)) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_every_label_can_be_read() -> None:
    # 4.5 is what WCAG asks of small text.
    assert min(contrast(_colour(label), ink_on(_colour(label))) for label in range(18)) >= 4.5
    assert len({_colour(label) for label in range(18)}) == 18
    assert _colour(18) == _colour(0)


# ------------------------------------------------------------ sheets


def tile(width: int, height: int, colour: str) -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def test_sheet_in_rows() -> None:
    sheet = contact_sheet([tile(100, 50, "red"), tile(100, 50, "lime"), tile(60, 80, "blue")], columns=2)
    gap = 8
    assert sheet.size == (2 * 100 + 3 * gap, 50 + 80 + 3 * gap)
    assert sheet.getpixel((gap, gap)) == (255, 0, 0)
    assert sheet.getpixel((gap + 100 + gap, gap)) == (0, 255, 0)
    second = gap + 50 + gap
    assert sheet.getpixel((gap + 20, second)) == (0, 0, 255)  # centred: 20 on both sides
    assert sheet.getpixel((gap + 19, second)) == sheet.getpixel((gap + 80, second)) == (255, 255, 255)
    assert sheet.getpixel((gap + 150, second + 40)) == (255, 255, 255)


def test_captions_stay_below_their_pictures() -> None:
    captions = ["short", "a caption much too long for its picture, so long that it is cut"]
    sheet = np.asarray(contact_sheet([tile(120, 50, "red"), tile(120, 50, "lime")], 2, captions).convert("L"))
    written = sheet[58:] < 128
    assert written[:, 8:128].any()
    assert written[:, 136:256].any()
    assert not written[:, :8].any()
    assert not written[:, 128:136].any()
    assert not written[:, 256:].any()


def test_more_columns_than_pictures() -> None:
    assert contact_sheet([tile(100, 50, "red")], columns=4).size == (116, 66)


def test_bad_sheets() -> None:
    with pytest.raises(ValueError, match="images: expected at least one; got none"):
        contact_sheet([], 2)
    with pytest.raises(ValueError, match="columns: expected at least 1; got 0"):
        contact_sheet([tile(1, 1, "red")], 0)
    with pytest.raises(ValueError, match="captions: expected 1, one for each image; got 2"):
        contact_sheet([tile(1, 1, "red")], 1, ["a", "b"])
