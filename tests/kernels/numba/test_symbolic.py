"""In compiled graphs the loops keep symbolic sizes: batches of other images, objects and sizes make few graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from tests.hazards import has_compiler
from torch import Tensor
from torch._dynamo.eval_frame import _debug_get_cache_entry_list

import yolosses as yl

pytest.importorskip("numba")

C, BINS = 3, 2
STRIDES = (8, 16, 32)


def maps(images: int, side: int, noise: torch.Generator) -> list[Tensor]:
    return [
        torch.randn(images, 4 * BINS + C, side // s, side // s, generator=noise).requires_grad_()
        for s in STRIDES
    ]


def heads(images: int, side: int, noise: torch.Generator) -> dict[str, list[Tensor]]:
    return {name: maps(images, side, noise) for name in ("one2one", "one2many")}


def cells(images: int, side: int, noise: torch.Generator) -> Tensor:
    return torch.rand(images, 3 * 3 * (10 + C), generator=noise).requires_grad_()


def leaves(raw: Any) -> list[Tensor]:
    if isinstance(raw, Tensor):
        return [raw]
    return [leaf for part in (raw.values() if isinstance(raw, dict) else raw) for leaf in leaves(part)]


def objects(images: int, count: int, noise: torch.Generator) -> yl.Targets:
    sizes = 0.05 + 0.5 * torch.rand(images, count, 2, generator=noise)
    centres = sizes / 2 + (1 - sizes) * torch.rand(images, count, 2, generator=noise)
    return yl.Targets(
        boxes=torch.cat((centres, sizes), -1), labels=torch.randint(C, (images, count), generator=noise),
        mask=torch.rand(images, count, generator=noise) < 0.9,
    )  # fmt: skip


def graphs(
    loss: Any, make: Callable[..., Any], batches: Sequence[tuple[int, int, int]], backend: str, dynamic: bool | None
) -> int:  # fmt: skip
    """How many graphs ``batches`` of images, objects and side make; each gives what the loss itself gives."""
    if backend == "inductor" and not has_compiler():
        pytest.skip("inductor needs a C++ compiler")
    noise = torch.Generator().manual_seed(0)
    torch._dynamo.reset()

    def total(raw: Any, targets: yl.Targets) -> Tensor:
        value: Tensor = loss(raw, targets).total
        return value

    fast = torch.compile(total, fullgraph=True, backend=backend, dynamic=dynamic)
    try:
        for images, count, side in batches:
            raw, targets = make(images, side, noise), objects(images, count, noise)
            ours, theirs = fast(raw, targets), loss(raw, targets).total
            torch.testing.assert_close(ours, theirs)
            torch.testing.assert_close(
                torch.autograd.grad(ours, leaves(raw)), torch.autograd.grad(theirs, leaves(raw))
            )
        # Not how often a backend was called: Dynamo begins some graphs a second time.
        return len(_debug_get_cache_entry_list(total))
    finally:
        torch._dynamo.reset()


LOSSES: dict[str, tuple[Any, Callable[..., Any]]] = {
    "v1": (lambda: yl.YOLOv1Loss(grid=3, num_classes=C, impl="numba"), cells),
    "v8": (lambda: yl.YOLOv8Loss(num_classes=C, bins=BINS, impl="numba"), maps),
    "v10": (lambda: yl.YOLOv10Loss(num_classes=C, bins=BINS, impl="numba"), heads),
}
COUNTS = (3, 1, 40, 7, 22, 2, 16, 1, 33, 9, 5, 12)


@pytest.mark.parametrize(("name", "dynamic"), [("v1", None), ("v8", None), ("v8", True), ("v10", None)])
def test_other_numbers_of_objects_and_sizes(name: str, dynamic: bool | None) -> None:
    make_loss, make = LOSSES[name]
    batches = [(2, count, (64, 96, 128)[number % 3]) for number, count in enumerate(COUNTS)]
    assert graphs(make_loss(), make, batches, "aot_eager", dynamic) <= 4


def test_other_numbers_of_objects_and_sizes_by_inductor() -> None:
    make_loss, make = LOSSES["v8"]
    batches = [(2, count, (64, 96, 128)[number % 3]) for number, count in enumerate(COUNTS)]
    assert graphs(make_loss(), make, batches, "inductor", None) <= 4


def test_other_numbers_of_images() -> None:
    make_loss, make = LOSSES["v1"]
    assert graphs(make_loss(), make, [(2, 3, 0), (3, 5, 0), (4, 7, 0), (7, 9, 0)], "aot_eager", None) <= 2
