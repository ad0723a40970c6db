import math

import pytest
import torch
from tests.explain.scene import NAMES, loss_fn, scene

import yolosses as yl
from yolosses.functional import absolute_error

CHANNELS = (
    ("x", 0), ("y", 0), ("w", 0), ("h", 0), ("confidence", 0),
    ("x", 1), ("y", 1), ("w", 1), ("h", 1), ("confidence", 1), ("cat", None), ("dog", None),
)  # fmt: skip


def test_nothing_to_find() -> None:
    assert yl.explain.find_nonfinite(loss_fn(), *scene()) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("layout", ["cell", "darknet"])
def test_a_planted_number_of_raw_is_named_wherever_it_is(layout: str, value: float) -> None:
    raw, targets = scene()
    loss = loss_fn(layout=layout)
    for image in range(2):
        for row in range(2):
            for col in range(3):
                for channel, (element, box) in enumerate(CHANNELS):
                    spoilt = raw.clone()
                    spoilt[image, row, col, channel] = value
                    found = yl.explain.find_nonfinite(
                        loss, _laid_out(spoilt, layout), targets, class_names=NAMES
                    )
                    assert (found.operand, found.image, found.element, found.others) == (
                        "raw",
                        image,
                        element,
                        0,
                    )
                    assert found.place.startswith(f"cell ({row},{col}) box")
                    if box is not None:
                        assert found.place.endswith(f"box {box}")
                    assert str(found.value) == str(value)
                    assert _laid_out(spoilt, layout)[(*found.index,)].isfinite().item() is False


def test_the_term_that_a_planted_number_spoils() -> None:
    raw, targets = scene()
    expected = {5: "xy", 6: "xy", 7: "wh", 8: "wh", 9: "obj", 4: "noobj", 10: "cls", 11: "cls"}
    for channel, term in expected.items():
        spoilt = raw.clone()
        spoilt[0, 1, 2, channel] = math.nan
        found = yl.explain.find_nonfinite(
            loss_fn(), spoilt, targets, class_names=NAMES, image_names=["a.jpg", "b.jpg"]
        )
        assert (found.term, found.image_name) == (term, "a.jpg")
        assert found.object == (None if term == "noobj" else 0)
    assert str(found) == ('term cls: raw[0, 1, 2, 11] is nan, a.jpg, cell (1,2) box 1, dog, object 0 ("dog")')


def test_a_number_that_no_term_uses_is_still_named() -> None:
    raw, targets = scene()
    raw[1, 0, 0, 10] = math.nan  # the class output of an empty cell
    found = yl.explain.find_nonfinite(loss_fn(), raw, targets)
    assert (found.term, found.operand, found.index) == (None, "raw", (1, 0, 0, 10))
    assert str(found) == "no term uses it, yet raw[1, 0, 0, 10] is nan, image 1, cell (0,0) box 0, class 0"
    assert loss_fn()(raw, targets).total.isfinite()


def test_of_several_the_one_that_spoils_the_loss() -> None:
    raw, targets = scene()
    raw[0, 0, 0, 10] = raw[1, 1, 1, 4] = math.nan
    found = yl.explain.find_nonfinite(loss_fn(), raw, targets)
    assert (found.index, found.term, found.others) == ((1, 1, 1, 4), "noobj", 1)


def test_a_box_of_the_truth() -> None:
    raw, targets = scene()
    targets.boxes[0, 0, 2] = math.inf
    found = yl.explain.find_nonfinite(loss_fn(), raw, targets)
    assert (found.operand, found.index, found.object, found.element) == ("targets.boxes", (0, 0, 2), 0, "w")
    assert found.term == "wh"
    raw, targets = scene()
    targets.boxes[1, 2] = math.nan  # padding
    assert yl.explain.find_nonfinite(loss_fn(), raw, targets) is None


def test_a_target_made_of_finite_numbers() -> None:
    raw, targets = scene()
    targets.boxes[0, 0, 3] = -0.25  # whose root is NaN
    found = yl.explain.find_nonfinite(loss_fn(), raw, targets)
    assert (found.operand, found.term, found.element, found.object) == ("target", "wh", "sqrt h", 0)


def test_a_penalty_that_overflows() -> None:
    raw, targets = scene()
    raw[0, 0, 1, 4] = 1e30  # its square has no float32
    found = yl.explain.find_nonfinite(loss_fn(), raw, targets)
    assert (found.operand, found.term, found.place, found.value) == (
        "penalty",
        "noobj",
        "cell (0,1) box 0",
        math.inf,
    )


def test_a_sum_that_overflows() -> None:
    raw, targets = scene()
    raw[1, :, :, 4] = raw[1, :, :, 9] = 1.8e38
    loss = loss_fn(noobj_penalty=absolute_error)
    found = yl.explain.find_nonfinite(loss, raw, targets)
    assert (found.operand, found.term, found.image) == ("total", "noobj", 1)


def test_a_gradient_of_a_finite_loss() -> None:
    def rooted(pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (pred - target).abs().sqrt()

    raw, targets = scene()
    found = yl.explain.find_nonfinite(loss_fn(noobj_penalty=rooted), raw, targets)
    assert found.operand == "gradient"
    assert found.element == "confidence"


def _laid_out(raw: torch.Tensor, layout: str) -> torch.Tensor:
    if layout == "cell":
        return raw
    cells = raw.reshape(len(raw), 6, 12)
    boxes = cells[..., :10].reshape(len(raw), 6, 2, 5)
    parts = (cells[..., 10:], boxes[..., 4], boxes[..., :4])
    return torch.cat([part.reshape(len(raw), -1) for part in parts], 1)
