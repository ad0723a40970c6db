"""The pictures of `yolosses eval`: curves, confusion matrix and sizes show the numbers they are given, in both
languages."""

import numpy as np
from matplotlib.figure import Figure
from tests.apps.pages.test_error_figure import words
from tests.explain.pictures.scene import LANGUAGES
from tests.training.test_evaluation import A, B, found, record

from yolosses.apps.pages.confusion_figure import confusion_figure
from yolosses.apps.pages.curves_figure import MOST_NAMES, curves_figure
from yolosses.apps.pages.sizes_figure import sizes_figure
from yolosses.language import Language
from yolosses.studies.errors import Confusion
from yolosses.training.evaluation import Detections, Metrics, evaluate

SMALL = (70.0, 70.0, 90.0, 90.0)  # 400 pixels


def metrics() -> Metrics:
    """Cats: one of two found, after a false alarm. Dogs: found. Birds: none there."""
    records = [record(A, B, SMALL, labels=[0, 0, 1])]
    detections = [found((0, 60, 20, 80), A, SMALL, scores=[0.9, 0.8, 0.7], labels=[0, 0, 1])]
    return evaluate(records, ("cat", "dog", "bird"), detections)


def lines(figure: Figure) -> dict[str, np.ndarray]:
    return {
        str(line.get_label()): np.asarray(line.get_ydata())
        for axes in figure.axes
        for line in axes.lines
        if str(line.get_label()).startswith("_")
    }


def legend(figure: Figure) -> list[str]:
    return [
        text.get_text() for axes in figure.axes if axes.get_legend() for text in axes.get_legend().get_texts()
    ]


def test_a_curve_has_the_precision_of_each_recall() -> None:
    figure = curves_figure(metrics(), title="pets, val")
    drawn = lines(figure)
    assert set(drawn) == {"_cat", "_dog", "_mean"}
    np.testing.assert_allclose(drawn["_cat"], [0.5] * 51 + [0.0] * 50)  # of two cats one, by the second guess
    np.testing.assert_allclose(drawn["_dog"], 1.0)
    np.testing.assert_allclose(drawn["_mean"], (drawn["_cat"] + drawn["_dog"]) / 2)
    assert legend(figure) == ["0.626  mean", "1.000  dog", "0.252  cat"]


def test_of_many_classes_those_with_the_most_objects_are_named() -> None:
    names = [f"c{index}" for index in range(MOST_NAMES + 3)]
    records = [record(A, labels=[index]) for index in range(len(names))] + [
        record(A, labels=[len(names) - 1])
    ]
    figure = curves_figure(evaluate(records, names, [Detections.none()] * len(records)), title="")
    assert len(legend(figure)) == MOST_NAMES + 1
    assert any(text.endswith(names[-1]) for text in legend(figure))
    assert "3 more classes" in words(figure)


def test_without_objects_the_curves_say_so() -> None:
    figure = curves_figure(evaluate([record()], ("cat",), [Detections.none()]), title="")
    assert not lines(figure)
    assert "there is no object in this split" in words(figure)


def test_the_matrix_shows_its_counts() -> None:
    counts = np.array([[12, 3, 40], [0, 1234, 5], [6, 7, 0]])
    found_so = Confusion(class_names=("cat", "dog"), matrix=counts, threshold=0.31, iou=0.5)
    figure = confusion_figure(found_so, title="pets, val")
    said = words(figure)
    for text in ("12", "3", "40", "1,234", "6", "7", "background", "missed", "cat"):
        assert text in said
    assert any("0.310" in text and "IoU ≥ 0.5" in text for text in said)
    (image,) = [image for axes in figure.axes for image in axes.images]
    np.testing.assert_allclose(np.asarray(image.get_array()), counts / counts.sum(1, keepdims=True))


def test_many_classes_have_no_numbers_in_their_cells() -> None:
    names = tuple(f"c{index}" for index in range(40))
    found_so = Confusion(class_names=names, matrix=np.full((41, 41), 77), threshold=0.5, iou=0.5)
    figure = confusion_figure(found_so, title="")
    assert "77" not in words(figure)
    assert max(figure.get_size_inches()) < 12


def test_sizes_are_bars_beside_their_numbers_of_objects() -> None:
    value = metrics()
    assert [(size.name, size.objects) for size in value.sizes] == [("small", 1), ("medium", 2), ("large", 0)]
    assert (value.sizes[0].map50_95, value.sizes[1].map50_95) == (value.map_small, value.map_medium)
    figure = sizes_figure(value, title="pets, val")
    widths = {
        str(container.get_label()): [bar.get_width() for bar in container]
        for axes in figure.axes
        for container in axes.containers
    }
    assert widths["_AP50"] == [value.sizes[0].map50, value.sizes[1].map50, 0.0]
    assert widths["_AR@100"] == [value.sizes[0].recall, value.sizes[1].recall, 0.0]
    said = words(figure)
    for text in ("1 object", "2 objects", "up to 32 x 32", "32 x 32 to 96 x 96", "from 96 x 96 on", "–"):
        assert text in said


@LANGUAGES
def test_both_languages_are_drawn(language: Language) -> None:
    found_so = Confusion(class_names=("cat", "狗"), matrix=np.eye(3, dtype=np.int64), threshold=0.5, iou=0.5)
    figures = (
        curves_figure(metrics(), title="寵物", language=language),
        confusion_figure(found_so, title="寵物", language=language),
        sizes_figure(metrics(), title="寵物", language=language),
    )
    for figure in figures:
        figure.canvas.draw()
        chinese = any(
            "一" <= letter <= "鿿" for text in words(figure)[1:] for letter in text.replace("狗", "")
        )
        assert chinese == (language == "zh-TW")
