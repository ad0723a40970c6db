"""Targets as a batch: some of its images, another place, a line of text."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from tests.errors import exactly
from torch import Tensor

import yolosses as yl

BOX = [0.5, 0.5, 0.25, 0.5]


def targets(*counts: int) -> yl.Targets:
    """So many objects in each image; each has its image's number for a class."""
    return yl.Targets.from_cxcywh(
        [torch.tensor([BOX]).expand(n, 4) for n in counts],
        [torch.full((n,), i) for i, n in enumerate(counts)],
        weight=[torch.full((n,), float(i)) for i, n in enumerate(counts)],
        ignore=[torch.arange(n) == 2 for n in counts],
    )


@pytest.mark.parametrize(
    ("images", "left"),
    [
        (0, [0]),
        (-1, [3]),
        (np.int64(2), [2]),
        (slice(1, 3), [1, 2]),
        (slice(None, None, 2), [0, 2]),
        ([3, 0, 3], [3, 0, 3]),
        ([], []),
        ([True, False, False, True], [0, 3]),
        (torch.tensor([2, 1]), [2, 1]),
        (torch.tensor(1), [1]),
        (torch.tensor([False, True, False, False]), [1]),
        (np.array([1, 2]), [1, 2]),
        (range(2), [0, 1]),
    ],
)
def test_some_images_are_targets_too(images: Any, left: list[int]) -> None:
    whole = targets(1, 3, 0, 2)
    some = whole[images]
    assert len(some) == len(left)
    for field in dataclasses.fields(some):
        assert torch.equal(getattr(some, field.name), getattr(whole, field.name)[left])


def test_images_one_by_one() -> None:
    assert [int(one.mask.sum()) for one in targets(1, 3, 0)] == [1, 3, 0]
    for index in (3, -4):
        with pytest.raises(IndexError, match=exactly(f"images: expected an index of 3 images; got {index}")):
            targets(1, 3, 0)[index]


@pytest.mark.parametrize(
    ("images", "got"), [((0, 1), "(0, 1)"), ("boxes", "'boxes'"), (torch.zeros(1, 3), "(1, 3)")]
)
def test_only_images_can_be_chosen(images: Any, got: str) -> None:
    message = f"images: expected an int, slice, list or one-dimensional tensor; got {got}"
    with pytest.raises(TypeError, match=exactly(message)):
        targets(1, 3, 0)[images]


@pytest.mark.parametrize(("size", "counts"), [(2, [2, 2, 1]), (5, [5]), ([1, 4], [1, 4]), ((0, 5), [0, 5])])
def test_split_as_torch_splits(size: Any, counts: list[int]) -> None:
    whole = targets(1, 3, 0, 2, 1)
    parts = whole.split(size)
    assert isinstance(parts, tuple)
    assert [len(part) for part in parts] == counts
    assert torch.equal(torch.cat([part.boxes for part in parts]), whole.boxes)
    assert torch.equal(torch.cat([part.mask for part in parts]), whole.mask)


def test_a_data_loader_pins_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.utils.data._utils.pin_memory import pin_memory

    pinned: list[Tensor] = []

    def pin(self: Tensor) -> Tensor:
        pinned.append(self)
        return self.clone()

    monkeypatch.setattr(Tensor, "pin_memory", pin)
    whole = targets(1, 3)
    made = pin_memory({"targets": whole})["targets"]
    assert isinstance(made, yl.Targets)
    assert len(pinned) == 5
    assert made.boxes is not whole.boxes
    assert torch.equal(made.boxes, whole.boxes)


def test_targets_travel_from_the_workers_of_a_data_loader() -> None:
    pictures: Any = [(torch.tensor([BOX]), torch.tensor([i])) for i in range(4)]
    loader = torch.utils.data.DataLoader(
        pictures,
        batch_size=2,
        num_workers=1,
        collate_fn=collate,
    )
    assert [made.labels.tolist() for made in loader] == [[[0], [1]], [[2], [3]]]


def collate(samples: list[tuple[Tensor, Tensor]]) -> yl.Targets:
    boxes, labels = zip(*samples, strict=True)
    return yl.Targets.from_cxcywh(boxes, labels)


def test_one_line_of_text() -> None:
    assert repr(targets(1, 4, 0)) == "Targets(3 images, 5 objects in 4 slots each, 1 ignored, float32, cpu)"
    plain = dataclasses.replace(targets(1, 2), ignore=None)
    assert repr(plain) == "Targets(2 images, 3 objects in 2 slots each, float32, cpu)"
    assert repr(plain.to("meta")) == "Targets(2 images, 2 slots, float32, meta)"
