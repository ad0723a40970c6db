"""What a run is asked to do: defaults that depend on the loss and the data, and arguments that do not fit together."""

from dataclasses import fields, replace
from typing import Any

import pytest
from tests.training.shapes import shapes

from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.folder import extended
from yolosses.apps.runs.request import TrainRequest
from yolosses.apps.runs.settings import resolve
from yolosses.training.anchors import box_sizes, fit_anchors
from yolosses.training.data import DetectionDataset
from yolosses.training.run import Settings

ONE = TrainRequest(data="shapes", image_size=64, epochs=1, batch_size=4)


def data() -> DetectionDataset:
    return shapes(12)


def test_the_defaults_of_v1_are_the_papers() -> None:
    settings = resolve(ONE, data(), "val")
    assert settings.loss_options == {"lambda_coord": 5.0, "lambda_noobj": 0.5}
    assert (settings.grid, settings.boxes_per_cell, settings.nms_iou) == ((4, 4), 2, 0.45)


def test_losses_with_levels_have_no_grid() -> None:
    settings = resolve(replace(ONE, loss="v8"), data(), "val")
    assert (settings.grid, settings.boxes_per_cell, settings.nms_iou) == (None, None, 0.7)
    assert settings.loss_options == {}
    assert resolve(replace(ONE, loss="v10"), data(), "val").nms_iou is None


def test_anchors_are_fitted_unless_given() -> None:
    settings = resolve(replace(ONE, loss="v5"), data(), "val")
    assert settings.loss_options["anchors"] == fit_anchors(
        box_sizes(data(), (64, 64), "stretch"), 9
    ).by_level(3)
    given = resolve(replace(ONE, loss="v5", options=("anchors=1,2,3,4,5,6",)), data(), "val")
    assert given.loss_options["anchors"] == [[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]]


def test_v5_scales_its_weights_to_the_data_unless_they_are_given() -> None:
    settings = resolve(replace(ONE, loss="v5", image_size=320), data(), "val")
    assert settings.loss_options["lambda_obj"] == 0.25
    assert settings.loss_options["lambda_cls"] == pytest.approx(0.5 * 2 / 80)
    assert "lambda_box" not in settings.loss_options
    given = resolve(replace(ONE, loss="v5", options=("lambda_obj=2",)), data(), "val")
    assert given.loss_options["lambda_obj"] == 2.0


def test_too_few_boxes_for_anchors() -> None:
    few = shapes(3)  # four boxes
    with pytest.raises(CommandError) as caught:
        resolve(replace(ONE, loss="v5", batch_size=2), few, "val")
    assert str(caught.value) == (
        "--loss v5: sizes: expected at least 9 different ones to fit 9 anchors to; got 4; "
        "give some with --set anchors=W,H,..."
    )


@pytest.mark.parametrize(("loss", "usual"), [("v1", 0.0), ("v5", 1.0), ("v8", 1.0)])
def test_mosaics_are_for_losses_with_several_scales_unless_asked_for(loss: str, usual: float) -> None:
    assert resolve(replace(ONE, loss=loss), data(), "val").mosaic == usual
    assert resolve(replace(ONE, loss=loss, mosaic=0.25), data(), "val").mosaic == 0.25
    assert resolve(replace(ONE, loss=loss, data="digits"), data(), "val").mosaic == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": "digits", "mosaic": 0.5}, "--mosaic: expected with pictures from files; digit scenes are"),
        ({"loss": "v8", "grid": 4}, "--grid: expected with --loss v1 only; v8 has cells of 8, 16, 32 pixels"),
        (
            {"loss": "v5", "boxes_per_cell": 3},
            "--boxes-per-cell: expected with --loss v1 only; v5 has cells of",
        ),
        ({"loss": "v8", "model": "yolov1"}, "--model: expected tiny or small for --loss v8; got yolov1"),
        (
            {"loss": "v8", "lambda_coord": 3.0},
            "--lambda-coord: expected with a loss that has it; v8 has bins, lambda_box",
        ),
        ({"options": ("grid=3",)}, "--set grid: expected as --grid"),
        (
            {"lambda_coord": 3.0, "options": ("lambda_coord=4",)},
            "--lambda-coord, --set lambda_coord: expected one of them; got both",
        ),
        (
            {"options": ("class_term=cross_entropy", "cls_penalty=huber")},
            "--set: cls_penalty: expected None with class_term='cross_entropy'",
        ),
    ],
)
def test_what_does_not_fit_together(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(CommandError) as caught:
        resolve(replace(ONE, **arguments), data(), "val")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("lambda_box=2",), None),
        (("lambda_cls=0.5",), None),  # the default, which the run did not write down
        (("lambda_box=3",), "--lambda-box: expected 2.0 as in the run to resume; got 3.0"),
        (("lambda_cls=1",), "--lambda-cls: expected 0.5 as in the run to resume; got 1.0"),
    ],
)
def test_a_resumed_run_keeps_its_options(options: tuple[str, ...], message: str | None) -> None:
    settings = resolve(replace(ONE, loss="v8", options=("lambda_box=2",)), data(), "val")
    request = TrainRequest(data="shapes", options=options, epochs=5)
    if message is None:
        assert extended(settings, replace(request, given=frozenset({"options", "epochs"}))) == replace(
            settings, epochs=5
        )
        return
    with pytest.raises(CommandError) as caught:
        extended(settings, replace(request, given=frozenset({"options"})))
    assert str(caught.value) == message


def test_a_run_keeps_every_option_that_decides_what_it_learns() -> None:
    """A new one has to be a field of `Settings` too, or a run that is gone on with would forget it."""
    kept_as_loss_options = {"lambda_coord", "lambda_noobj", "options"}
    of_the_machine = {"out", "resume", "strict", "workers", "compiled", "device", "tensorboard", "given"}
    asked, kept = ({f.name for f in fields(kind)} for kind in (TrainRequest, Settings))
    assert asked - kept == kept_as_loss_options | of_the_machine
    assert kept - asked == {"class_names", "loss_options", "version", "nms_iou"}


def test_names_are_kept_as_plain_words() -> None:
    settings = resolve(replace(ONE, optimizer="sgd"), data(), "val")
    assert {type(value) for value in (settings.loss, settings.model, settings.optimizer, settings.fit)} == {
        str
    }
    assert (settings.optimizer, settings.learning_rate) == ("sgd", 0.005)
