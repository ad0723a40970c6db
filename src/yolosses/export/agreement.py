"""How far what a file returns is from what the network itself returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses.export.detector_graph import DetectorGraph


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The comparison of two outputs of one detector.

    Attributes:
        largest: the largest difference of each kind of value; of raw outputs as a part of the largest of them, where
            that is above 1.
        values: how many numbers were compared, or detections.
        unpaired: detections that only one of the two has.
    """

    largest: dict[str, float]
    values: int
    unpaired: int = 0


def agreement(graph: DetectorGraph, wanted: Sequence[Tensor], got: Sequence[Tensor]) -> Agreement:
    """Compare the outputs of a file with those of ``graph``, for the same images."""
    if graph.output == "detections":
        return of_detections(wanted, got)
    largest = {
        name: _largest(want, have, relative=graph.output == "raw")
        for name, want, have in zip(graph.outputs, wanted, got, strict=True)
    }
    return Agreement(largest=largest, values=sum(want.numel() for want in wanted))


def of_detections(wanted: Sequence[Tensor], got: Sequence[Tensor]) -> Agreement:
    """Compare ``boxes``, ``scores``, ``labels`` and ``count`` of two packed outputs, see `DetectorGraph`.

    Each detection, the surest first, is compared with the one of its class that lies nearest: two whose scores are a
    rounding apart may have changed places, and of two that overlap by the threshold, a rounding apart, one may be left.
    A pair differs by less than a hundredth; what has no such partner is unpaired.
    """
    boxes, scores, unpaired, values = 0.0, 0.0, 0, 0
    for image in range(len(wanted[0])):
        ours, theirs = (_image(outputs, image) for outputs in (wanted, got))
        values += len(ours[1])
        pairs = _pairs(ours, theirs)
        unpaired += len(ours[1]) + len(theirs[1]) - 2 * len(pairs)
        for one, other in pairs:
            boxes = max(boxes, float((ours[0][one] - theirs[0][other]).abs().max()))
            scores = max(scores, float((ours[1][one] - theirs[1][other]).abs()))
    return Agreement(largest={"boxes": boxes, "scores": scores}, values=values, unpaired=unpaired)


def _image(outputs: Sequence[Tensor], image: int) -> tuple[Tensor, Tensor, Tensor]:
    boxes, scores, labels, count = outputs
    there = int(count[image])
    return boxes[image, :there].double(), scores[image, :there].double(), labels[image, :there]


def _pairs(
    ours: tuple[Tensor, Tensor, Tensor], theirs: tuple[Tensor, Tensor, Tensor]
) -> list[tuple[int, int]]:
    """Detections that belong together."""
    apart = (ours[0][:, None] - theirs[0][None]).abs().amax(-1)
    apart = torch.maximum(apart, (ours[1][:, None] - theirs[1][None]).abs())
    apart = torch.where(ours[2][:, None] == theirs[2][None], apart, torch.inf)
    pairs = []
    for one in range(len(apart)):
        if apart.shape[1] == 0:
            break
        other = int(apart[one].argmin())
        if apart[one, other] < 0.01:
            pairs.append((one, other))
            apart[:, other] = torch.inf
    return pairs


def _largest(want: Tensor, got: Tensor, *, relative: bool) -> float:
    """NaN where one of them is NaN."""
    if want.shape != got.shape:
        return float("nan")
    difference = float((want.double() - got.double()).abs().max())
    return difference / max(1.0, float(want.abs().max())) if relative else difference
