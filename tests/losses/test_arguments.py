"""What constructors and calls take and refuse, alike in every family."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from tests.errors import exactly
from tests.losses.families import EACH, FAMILIES, C, Family, leaves
from tests.losses.scenes import scattered

import yolosses as yl

NAN = float("nan")


def takes(family: Family, option: str) -> bool:
    return option in inspect.signature(family.make).parameters


def having(*options: str) -> Any:
    some = {
        name: family for name, family in FAMILIES.items() if all(takes(family, option) for option in options)
    }
    return pytest.mark.parametrize("family", some.values(), ids=some)


@having("label_smoothing")
@pytest.mark.parametrize("value", [1.5, -0.1, NAN, math.inf])
def test_label_smoothing_is_from_0_to_1(family: Family, value: float) -> None:
    message = exactly(f"label_smoothing: expected a number from 0 to 1; got {value!r}")
    with pytest.raises(ValueError, match=message):
        family.make(num_classes=C, label_smoothing=value)


def test_the_families_with_label_smoothing() -> None:
    assert [name for name, family in FAMILIES.items() if takes(family, "label_smoothing")] == [
        "v3", "v4", "v5", "v7", "v8", "v10"
    ]  # fmt: skip


@EACH
@pytest.mark.parametrize("value", [[-1.0, 1.0, 1.0], [NAN, 1.0, 1.0], [math.inf, 1.0, 1.0]], ids=str)
def test_class_weights_are_finite_and_not_negative(family: Family, value: list[float]) -> None:
    message = exactly(f"class_weight: expected (3,) numbers >= 0, one for each class; got {value}")
    for form in (value, tuple(value), np.array(value), torch.tensor(value)):
        with pytest.raises(ValueError, match=message):
            family.make(num_classes=C, class_weight=form)


@EACH
def test_class_weights_of_any_form_are_the_same(family: Family) -> None:
    factors, targets = [0.5, 1.0, 2.0], scattered(1, C)
    forms = (factors, tuple(factors), np.array(factors), np.float32(factors), torch.tensor(factors))
    totals = [family.make(num_classes=C, class_weight=form)(family.raw(1), targets).total for form in forms]
    assert all(torch.equal(total, totals[0]) for total in totals)
    with pytest.raises(
        ValueError, match=exactly("class_weight: expected constants; got a tensor that requires grad")
    ):
        family.make(num_classes=C, class_weight=torch.ones(C, requires_grad=True))
    message = exactly("class_weight: expected (3,) numbers >= 0, one for each class; got (2,)")
    with pytest.raises(ValueError, match=message):
        family.make(num_classes=C, class_weight=[1.0, 1.0])
    with pytest.raises(
        TypeError, match=r"^class_weight: expected \(3,\) numbers >= 0, one for each class; got "
    ):
        family.make(num_classes=C, class_weight="balanced")


@EACH
@pytest.mark.parametrize("value", [0, -1, NAN, math.inf], ids=str)
def test_a_normalizer_is_finite_and_positive(family: Family, value: float) -> None:
    loss_fn, raw, targets = family.make(num_classes=C), family.raw(1), scattered(1, C)
    message = exactly(f"normalizer: expected a finite number > 0; got {value!r}")
    with pytest.raises(ValueError, match=message):
        loss_fn(raw, targets, normalizer=value)
    with pytest.raises(ValueError, match=r"^normalizer: expected a finite number > 0; got "):
        loss_fn(raw, targets, normalizer=torch.tensor(float(value)))
    with pytest.raises(TypeError, match=exactly("normalizer: expected a finite number > 0; got True")):
        loss_fn(raw, targets, normalizer=True)


@having("strides")
def test_strides_of_any_form_are_the_same(family: Family) -> None:
    targets = scattered(1, C)
    wanted = family.make(num_classes=C)(family.raw(1), targets).total
    for strides in (
        [8, 16, 32],
        (8.0, 16.0, 32.0),
        torch.tensor([8.0, 16.0, 32.0]),
        torch.tensor([8, 16, 32]),
        np.array([8, 16, 32]),
        [np.int64(8), np.float32(16), 32],
    ):
        loss_fn = family.make(num_classes=C, strides=strides)
        assert loss_fn.strides == (8, 16, 32)
        assert torch.equal(loss_fn(family.raw(1), targets).total, wanted)
    for wrong, error in (
        ([8, 0, 32], ValueError),
        ([], ValueError),
        ("8", TypeError),
        ([8, None, 32], TypeError),
    ):
        with pytest.raises(error, match=r"^strides: expected numbers > 0, one for each level; got "):
            family.make(num_classes=C, strides=wrong)


@having("image_size")
def test_the_size_of_the_image_in_any_form_is_the_same(family: Family) -> None:
    targets = scattered(1, C)
    wanted = family.make(num_classes=C)(family.raw(1), targets).total
    for size in (64, (64, 64), [64], (64,), np.int64(64), np.array([64, 64]), torch.tensor([64.0, 64.0])):
        assert torch.equal(family.make(num_classes=C, image_size=size)(family.raw(1), targets).total, wanted)
    for wrong, error in ((0, ValueError), ((64, 64, 64), ValueError), (64.5, ValueError), ("64", TypeError)):
        with pytest.raises(
            error, match=r"^image_size: expected None, or pixels as \(height, width\) or one side "
        ):
            family.make(num_classes=C, image_size=wrong)


@EACH
def test_numbers_of_numpy_are_numbers(family: Family) -> None:
    name = next(name for name in inspect.signature(family.make).parameters if name.startswith("lambda_"))
    loss_fn = family.make(num_classes=np.int64(C), **{name: np.float32(2.5)})
    assert (loss_fn.num_classes, type(loss_fn.num_classes)) == (C, int)
    if takes(family, "grid"):
        assert repr(family.make(grid=np.int64(7))) == repr(family.make())
    assert repr(loss_fn) == repr(family.make(num_classes=C, **{name: 2.5}))
    targets = scattered(1, C)
    totals = [
        loss(family.raw(1), targets).total for loss in (loss_fn, family.make(num_classes=C, **{name: 2.5}))
    ]
    assert torch.equal(*totals)
    for wrong, error in ((-1, ValueError), (NAN, ValueError), ("1", TypeError), (True, TypeError)):
        with pytest.raises(error, match=rf"^{name}: expected a number >= 0; got "):
            family.make(num_classes=C, **{name: wrong})
    for wrong, error in ((0, ValueError), (3.0, TypeError), (True, TypeError)):
        with pytest.raises(error, match=r"^num_classes: expected an integer >= 1; got "):
            family.make(num_classes=wrong)


@pytest.mark.parametrize("name", ["v3", "v4", "v5", "v7"])
def test_anchors_of_any_form_are_the_same(name: str) -> None:
    make = FAMILIES[name].make
    nested = [[[10.0, 13.0], [16.0, 30.0]], [[30.0, 61.0], [62.0, 45.0]], [[116.0, 90.0], [156.0, 198.0]]]
    flat = [
        [side for pair in level for side in pair] for level in nested
    ]  # as configurations in YAML have them
    for anchors in (nested, tuple(map(tuple, nested)), np.array(nested), torch.tensor(nested), flat):
        assert make(num_classes=C, anchors=anchors).anchors.tolist() == nested
    for wrong in (nested[:2], [[[10.0, 0.0]]] * 3, [[10.0, 13.0, 16.0]] * 3, None, 8.0, np.zeros((3, 2, 2))):
        with pytest.raises(
            ValueError, match=r"^anchors: expected for each of 3 levels equally many \(w, h\) above 0"
        ):
            make(num_classes=C, anchors=wrong)


def test_anchors_of_one_level_of_any_form_are_the_same() -> None:
    nested = [[1.5, 2.0], [3.0, 1.0]]
    for anchors in (nested, np.array(nested), torch.tensor(nested), [1.5, 2.0, 3.0, 1.0]):
        assert yl.YOLOv2Loss(num_classes=C, anchors=anchors).anchors.tolist() == [nested]


@EACH
def test_an_unknown_keyword_names_the_class_that_was_called(family: Family) -> None:
    message = rf"^{family.make.__name__}(\.__init__)?\(\) got an unexpected keyword argument 'lambda_boxes'"
    with pytest.raises(TypeError, match=message):
        family.make(num_classes=C, lambda_boxes=1.0)


@EACH
def test_a_loss_says_what_it_is(family: Family) -> None:
    """Its classes, the weights of its terms, and what is not the default: losses that differ do not print alike."""
    shown = repr(family.make(num_classes=C))
    assert shown.startswith(f"{family.make.__name__}(")
    assert "num_classes=3" in shown
    for name in inspect.signature(family.make).parameters:
        if name.startswith("lambda_"):
            assert f"{name}=" in shown
    assert "reduction='sum'" in repr(family.make(num_classes=C, reduction="sum"))
    assert "impl='torch'" in repr(family.make(num_classes=C, impl="torch"))
    assert "impl" not in shown
    assert "class_weight" in repr(family.make(num_classes=C, class_weight=[1.0] * C))


@EACH
def test_a_normalizer_of_another_shape_is_refused_and_one_number_is_one(family: Family) -> None:
    loss_fn, raw, targets = family.make(num_classes=C), family.raw(1), scattered(1, C)
    expected = loss_fn(raw, targets, normalizer=2.0)
    for form in (
        torch.tensor(2.0),
        torch.tensor([2.0]),
        torch.tensor([[2.0]]),
    ):  # as an all-reduce may have it
        output = loss_fn(raw, targets, normalizer=form)
        assert {name: float(value) for name, value in output.terms.items()} == pytest.approx(
            {name: float(value) for name, value in expected.terms.items()}
        )
    own = loss_fn.own_normalizer(loss_fn.assign(raw, targets)).shape
    wrong = [torch.ones(shape) for shape in ((0,), (2,), (3,), (5,), (9,), (2, 2)) if shape != own]
    for form in wrong:
        with pytest.raises(ValueError, match=r"^normalizer: expected a finite number > 0.*; got \("):
            loss_fn(raw, targets, normalizer=form)


@EACH
def test_what_was_found_in_inference_mode_can_be_trained_with(family: Family) -> None:
    loss_fn, raw, targets = family.make(num_classes=C), family.raw(2), scattered(2, C)
    wanted = leaves(raw)
    with torch.inference_mode():
        assignment = loss_fn.assign(raw, targets)
        normalizer = loss_fn.shared_normalizer(loss_fn.own_normalizer(assignment))
    loss_fn(raw, targets, assignment, normalizer).total.backward()
    assert all(part.grad is not None and part.grad.isfinite().all() for part in wanted)


@EACH
def test_an_assignment_of_something_else_is_refused(family: Family) -> None:
    loss_fn, raw, targets = family.make(num_classes=C), family.raw(2), scattered(2, C)
    other = loss_fn.assign(family.raw(1), scattered(1, C))
    for call in (loss_fn, loss_fn.terms, loss_fn.elementwise):
        with pytest.raises(TypeError, match=r"^assignment: expected an Assignment; got str$"):
            call(raw, targets, "yesterday's")
        with pytest.raises(ValueError, match=r"^assignment: expected 2 images like raw; got 1$"):
            call(raw, targets, other)


@EACH
@pytest.mark.parametrize("raw", [None, 3.0, "maps", object()], ids=["none", "number", "word", "object"])
def test_what_is_no_output_is_refused(family: Family, raw: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^raw"):
        family.make(num_classes=C)(raw, scattered(1, C))


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("activated", "false", "activated: expected True or False; got 'false'"),
        ("new_coords", 1, "new_coords: expected True or False; got 1"),
        ("ota", None, "ota: expected True or False; got None"),
        ("prior_pull", "no", "prior_pull: expected True or False; got 'no'"),
        ("xy_penalty", "l1", "xy_penalty: expected a function; got 'l1'"),
        ("noobj_penalty", 1.0, "noobj_penalty: expected a function; got 1.0"),
        ("cls_penalty", "l2", "cls_penalty: expected a function; got 'l2'"),
        ("anchor_similarity", None, "anchor_similarity: expected a function; got None"),
        ("assigner", "simota", "assigner: expected a function; got 'simota'"),
        ("box_loss", "ciou", "box_loss: expected a function; got 'ciou'"),
    ],
)
def test_switches_and_functions_are_what_they_are_called(option: str, value: object, message: str) -> None:
    having_it = [family for family in FAMILIES.values() if takes(family, option)]
    assert having_it
    for family in having_it:
        with pytest.raises(TypeError, match=exactly(message)):
            family.make(num_classes=C, **{option: value})


@pytest.mark.parametrize(
    ("option", "least", "families"), [("scale_xy", 1, ("v4",)), ("balance", 0, ("v5", "v7"))]
)
def test_numbers_of_levels(option: str, least: int, families: tuple[str, ...]) -> None:
    expected = f"{option}: expected a number >= {least}, or one for each of 3 levels; got "
    for name in families:
        make = FAMILIES[name].make
        for good in (
            1.5,
            np.float32(1.5),
            torch.tensor(1.5),
            [1.5] * 3,
            np.full(3, 1.5),
            torch.full((3,), 1.5),
        ):
            assert getattr(make(num_classes=C, **{option: good}), option) == (1.5, 1.5, 1.5)
        for bad in (NAN, math.inf, -1, True, "much", [1.5, 1.5], [1.5, NAN, 1.5], [1, "2", 3], {}):
            with pytest.raises((ValueError, TypeError), match=f"^{re.escape(expected)}"):
                make(num_classes=C, **{option: bad})


@having("class_pos_weight")
def test_one_factor_of_positives_has_any_form(family: Family) -> None:
    forms = (2, 2.0, np.float32(2), np.array(2.0), torch.tensor(2.0))
    made = [family.make(num_classes=C, class_pos_weight=form) for form in forms]
    kept = [getattr(loss_fn, "one_to_one", loss_fn).class_pos_weight for loss_fn in made]
    assert [weight.tolist() for weight in kept] == [[2.0] * C] * len(forms)
    with pytest.raises(TypeError, match=r"^num_classes: expected an integer >= 1; got 3.0$"):
        family.make(num_classes=3.0, class_pos_weight=2.0)


def test_the_weights_of_two_heads_stay_positive() -> None:
    with pytest.raises(ValueError, match=r"^one_to_many_weight: expected a number from 0 to 1; got 2$"):
        yl.YOLOv10Loss(one_to_many_weight=2)
    assert yl.YOLOv10Loss(one_to_many_weight=2, one_to_one_weight=1).one_to_many_weight == 2


@pytest.mark.parametrize("grid", [np.array([4, 6]), torch.tensor([4, 6]), (4, 6), [4, 6]], ids=repr)
def test_a_grid_of_any_form(grid: Any) -> None:
    assert yl.YOLOv1Loss(grid=grid).codec.grid == (4, 6)
