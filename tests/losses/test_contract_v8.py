"""The contract of `tests.contract` for YOLOv8 and its relatives, and for the two heads of YOLOv10."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from tests.contract import InterpretedContract, LossCase, LossContract, Raw, assert_same, on_engines
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl
from yolosses.assigners import SimOTA, TaskAligned
from yolosses.codecs import PointCodec
from yolosses.functional import giou_loss

C = 3


def distance_maps(
    batch: int, seed: int, *, size: tuple[int, int], strides: tuple[int, ...], bins: int, heads: int = 1
) -> list[Tensor]:
    """Boxes of about three cells around their cells."""
    noise = torch.Generator().manual_seed(seed)
    mean = torch.tensor([1.5 if bins == 1 else 0.0] * (4 * bins) + [-1.0] * C, dtype=torch.float64)
    maps = []
    for stride in strides * heads:
        shape = (batch, 4 * bins + C, size[0] // stride, size[1] // stride)
        maps.append(mean[:, None, None] + 0.4 * torch.randn(shape, generator=noise, dtype=torch.float64))
    return maps


def flattened(batch: int, seed: int, *, bins: int, **look: Any) -> Raw:
    joined = torch.cat([level.flatten(2) for level in distance_maps(batch, seed, bins=bins, **look)], 2)
    return [part.contiguous() for part in joined.split([4 * bins, C], 1)]


class TwoListsInOne(yl.YOLOv10Loss):
    """Takes the maps of the one2one head followed by those of the other."""

    def _named(self, raw: Any) -> Any:
        if isinstance(raw, dict):
            return raw
        half = len(self.strides)
        return {"one2one": list(raw[:half]), "one2many": list(raw[half:])}

    def codec_for(self, raw: Any) -> PointCodec:
        return super().codec_for(self._named(raw))

    def forward(self, raw: Any, *args: Any, **keywords: Any) -> yl.LossOutput:
        return super().forward(self._named(raw), *args, **keywords)

    def assign(self, raw: Any, targets: yl.Targets) -> yl.Assignment:
        return super().assign(self._named(raw), targets)

    def elementwise(self, raw: Any, targets: yl.Targets, assignment: yl.Assignment) -> tuple[yl.Term, ...]:
        return super().elementwise(self._named(raw), targets, assignment)

    def terms(
        self, raw: Any, targets: yl.Targets, assignment: yl.Assignment
    ) -> tuple[yl.Term | yl.TermSum, ...]:
        return super().terms(self._named(raw), targets, assignment)


def v8_case(
    name: str,
    *,
    size: tuple[int, int] = (64, 64),
    strides: tuple[int, ...] = (8, 16),
    bins: int = 4,
    flat: bool = False,
    backend: str = "aot_eager",
    **options: Any,
) -> LossCase:
    shape: dict[str, Any] = {"strides": strides, "bins": bins}
    return LossCase(
        name=name,
        make_loss=partial(
            yl.YOLOv8Loss, num_classes=C, image_size=size if flat else None, **shape, **options
        ),
        make_raw=partial(flattened if flat else distance_maps, size=size, **shape),
        make_targets=partial(scattered, num_classes=C),
        num_classes=C,
        classes_everywhere=True,
        smooth={"box_loss": giou_loss},
        large=partial(v8_case, name, size=(384, 320), flat=flat, **shape, **options),
        backend=backend,
    )


def v10_case(
    name: str,
    *,
    size: tuple[int, int] = (64, 64),
    strides: tuple[int, ...] = (8, 16),
    bins: int = 4,
    **options: Any,
) -> LossCase:
    shape: dict[str, Any] = {"strides": strides, "bins": bins}
    return LossCase(
        name=name,
        make_loss=partial(TwoListsInOne, num_classes=C, **shape, **options),
        make_raw=partial(distance_maps, size=size, heads=2, **shape),
        make_targets=partial(scattered, num_classes=C),
        num_classes=C,
        class_term="o2m_cls",
        classes_everywhere=True,
        smooth={"box_loss": giou_loss},
        large=partial(v10_case, name, size=(384, 320), **shape, **options),
    )


V8 = (
    *on_engines(v8_case("v8", backend="inductor"), "fixed shapes", "as on a GPU", "numba"),
    v8_case(
        "flattened, SimOTA",
        size=(64, 96),
        strides=(8, 16, 32),
        flat=True,
        assigner=SimOTA(),
        box_loss=giou_loss,
        label_smoothing=0.1,
    ),
    v8_case(
        "distances, v9's candidates",
        bins=1,
        assigner=TaskAligned(topk=5, reach=2.99, fallback=True, contested="taking"),
    ),
    *on_engines(
        v8_case(
            "flattened, distances",
            size=(64, 96),
            strides=(8, 16, 32),
            bins=1,
            flat=True,
            label_smoothing=0.1,
        ),
        "as on a GPU",
        "numba",
    ),
)
V10 = (
    *on_engines(v10_case("v10", size=(64, 96)), "as on a GPU", "numba"),
    v10_case(
        "YOLO26, one location from the first",
        strides=(16,),
        bins=1,
        one_to_one_topk=1,
        one_to_many_weight=0.5,
        one_to_one_weight=1.0,
    ),
)


@pytest.mark.parametrize("case", V8, ids=str)
class TestYOLOv8(LossContract):
    pass


@pytest.mark.parametrize("case", on_engines(v8_case("v8, small", size=(32, 32)), "triton")[1:], ids=str)
class TestYOLOv8Interpreted(InterpretedContract):
    pass


@pytest.mark.parametrize("case", V10, ids=str)
class TestYOLOv10(LossContract):
    def test_class_weights(self, case: LossCase) -> None:
        """There are two terms that they act on."""
        raw, targets = case.make_raw(3, 0), case.make_targets(3)
        wanted = case.make_loss()(raw, targets)
        for value in (1.0, 0.0, 2.0):
            output = case.make_loss(class_weight=torch.full((C,), value))(raw, targets)
            for name, term in wanted.terms.items():
                assert_same(output.terms[name], term * (value if name.endswith("cls") else 1.0))
