"""Which engine adds up: by its name, by what it knows, and by what it cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
import torch
from tests.errors import exactly
from tests.losses.scenes import scattered

import yolosses as yl
from yolosses import engines, modes
from yolosses.assigners import SimOTA
from yolosses.engines.kernels import NUMBA, TRITON, Kernels
from yolosses.engines.reference import Reference
from yolosses.functional import giou_loss, huber

Make = Callable[..., Any]
C = 3
KNOWN: dict[str, Make] = {"v1": yl.YOLOv1Loss, "v8": yl.YOLOv8Loss, "v10": yl.YOLOv10Loss}
UNKNOWN: dict[str, Make] = {
    "YOLOv2Loss": yl.YOLOv2Loss,
    "YOLOv3Loss": yl.YOLOv3Loss,
    "YOLOv4Loss": yl.YOLOv4Loss,
    "YOLOv5Loss": yl.YOLOv5Loss,
    "YOLOv6Loss": yl.YOLOv6Loss,
    "YOLOv7Loss": yl.YOLOv7Loss,
    "YOLOXLoss": yl.YOLOXLoss,
}


def refusal(loss: str, impl: str) -> str:
    return exactly(
        f"impl: expected 'auto' or 'torch' for {loss} with these options, which no kernel computes; got {impl!r}"
    )


def chosen(loss: Any, targets: yl.Targets | None = None) -> Any:
    targets = scattered(1, C) if targets is None else targets
    return engines.choose(loss.impl, loss.recipe(), torch.zeros(1), targets, type(loss).__name__)


@pytest.mark.parametrize("make", [*KNOWN.values(), *UNKNOWN.values()], ids=[*KNOWN, *UNKNOWN])
def test_auto_is_the_default_and_on_a_cpu_torch(make: Make) -> None:
    loss = make(num_classes=C)
    assert loss.impl == "auto"
    assert isinstance(chosen(loss), Reference)


def test_auto_on_a_gpu_is_triton_where_it_knows_the_formula() -> None:
    like, targets = mock.Mock(is_cuda=True), scattered(1, C)
    for make, known in ((yl.YOLOv1Loss, True), (yl.YOLOv8Loss, True), (yl.YOLOv5Loss, False)):
        recipe = make(num_classes=C).recipe()
        for installed in (True, False):
            triton = Kernels("triton", lambda like: None, installed)
            with (
                mock.patch.object(engines, "TRITON", triton),
                mock.patch.dict(engines.KERNELS, triton=triton),
            ):
                engine = engines.choose("auto", recipe, like, targets, "a loss")
            assert isinstance(engine, Kernels) == (known and installed)


@pytest.mark.parametrize("make", [*KNOWN.values(), *UNKNOWN.values()], ids=[*KNOWN, *UNKNOWN])
def test_an_unknown_name_is_refused(make: Make) -> None:
    message = exactly("impl: expected one of 'auto', 'torch', 'triton', 'numba'; got 'cuda'")
    with pytest.raises(ValueError, match=message):
        make(num_classes=C, impl="cuda")
    loss = make(num_classes=C)
    with pytest.raises(ValueError, match=message):
        loss.impl = "cuda"
    assert loss.impl == "auto"


@pytest.mark.parametrize("impl", ["numba", "triton"])
@pytest.mark.parametrize("name", UNKNOWN)
def test_kernels_that_do_not_know_a_loss_are_refused(name: str, impl: str) -> None:
    with pytest.raises(ValueError, match=refusal(name, impl)):
        UNKNOWN[name](num_classes=C, impl=impl)
    loss = UNKNOWN[name](num_classes=C)
    with pytest.raises(ValueError, match=refusal(name, impl)):
        loss.impl = impl
    assert loss.impl == "auto"


@pytest.mark.parametrize("impl", ["numba", "triton"])
@pytest.mark.parametrize(
    ("make", "option", "value"),
    [
        (yl.YOLOv1Loss, "xy_penalty", huber),
        (yl.YOLOv1Loss, "noobj_penalty", huber),
        (yl.YOLOv1Loss, "size_term", "linear"),
        (yl.YOLOv8Loss, "box_loss", giou_loss),
    ],
    ids=["v1, xy", "v1, noobj", "v1, sizes", "v8, boxes"],
)
def test_options_that_no_kernel_knows(make: Make, option: str, value: Any, impl: str) -> None:
    """The same error in the constructor, when the engine is set later, and in the next call when the option is."""
    pytest.importorskip(impl)
    message = refusal(make.__name__, impl)
    with pytest.raises(ValueError, match=message):
        make(num_classes=C, impl=impl, **{option: value})
    loss = make(num_classes=C, **{option: value})
    with pytest.raises(ValueError, match=message):
        loss.impl = impl
    changed = make(num_classes=C, impl=impl)
    setattr(changed, option, value)
    raw = torch.zeros(1, 7, 7, 10 + C)
    if make is yl.YOLOv8Loss:
        raw = [torch.zeros(1, 64 + C, 64 // stride, 64 // stride) for stride in (8, 16, 32)]
    for call in (changed, changed.assign):
        with pytest.raises(ValueError, match=message):
            call(raw, scattered(1, C))


@pytest.mark.parametrize("impl", ["numba", "triton"])
def test_another_assigner_keeps_the_kernels_for_the_sums(impl: str) -> None:
    loss = yl.YOLOv8Loss(num_classes=C, impl=impl, assigner=SimOTA())
    assert loss.recipe().assigner is None
    assert loss.impl == impl


@pytest.mark.parametrize("impl", ["numba", "triton"])
def test_a_missing_package_is_named_in_the_call(impl: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from yolosses.kernels import ready

    monkeypatch.setattr(ready, f"HAS_{impl.upper()}", False)
    loss = yl.YOLOv1Loss(num_classes=C, impl=impl)
    with pytest.raises((ImportError, ValueError), match=rf"impl.*{impl}|{impl}"):
        loss(torch.zeros(1, 7, 7, 10 + C), scattered(1, C))


def test_learned_targets_go_through_the_formula() -> None:
    """Which has their gradients."""
    pytest.importorskip("numba")
    loss, targets = yl.YOLOv1Loss(num_classes=C, impl="numba"), scattered(1, C)
    weight = torch.ones(targets.mask.shape)
    assert chosen(loss, targets) is NUMBA
    assert chosen(loss, replace(targets, weight=weight)) is NUMBA
    assert isinstance(chosen(loss, replace(targets, weight=weight.requires_grad_())), Reference)
    boxes = targets.boxes.clone().requires_grad_()
    assert isinstance(chosen(loss, replace(targets, boxes=boxes)), Reference)


def test_exporters_get_the_formula() -> None:
    pytest.importorskip("numba")
    loss = yl.YOLOv1Loss(num_classes=C, impl="numba")
    with modes.exporting():
        assert isinstance(chosen(loss), Reference)
    assert chosen(loss) is NUMBA


def test_triton_needs_a_gpu_or_its_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    loss = yl.YOLOv1Loss(num_classes=C, impl="triton")
    assert chosen(loss) is TRITON  # tests are interpreted, see conftest.py
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(ValueError, match=exactly("impl: 'triton' expected tensors on a GPU; got cpu")):
        chosen(loss)


def test_lists_or_fixed_shapes() -> None:
    """On a CPU the pairs that count are listed; where a shape must not depend on a value all are computed."""
    loss, targets, seen = yl.YOLOv3Loss(num_classes=C), scattered(2, C), []
    raw = [torch.zeros(2, 3 * (5 + C), 64 // stride, 64 // stride) for stride in (8, 16, 32)]
    formula = loss.formula

    def watched(codec: Any, pairs: Any, everywhere: Any) -> Any:
        seen.append(pairs.listed is not None)
        return formula(codec, pairs, everywhere)

    with mock.patch.object(loss, "formula", watched):
        listed = loss(raw, targets)
        with modes.exporting():
            fixed = loss(raw, targets)
    assert seen == [True, False]
    torch.testing.assert_close(listed.per_image, fixed.per_image)
