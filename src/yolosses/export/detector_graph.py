"""A detector as one function of plain tensors: network, decoding and suppression."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol, get_args

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from yolosses.arguments import choice
from yolosses.boxes.selection import select
from yolosses.modes import exporting
from yolosses.structures import Predictions

Output = Literal["raw", "boxes", "detections"]
OUTPUTS: tuple[Output, ...] = get_args(Output)
IMAGES = "images"


class Decoder(Protocol):
    """What reads a network's output: any loss."""

    def decode(self, raw: Any) -> Predictions: ...


class Suppression(NamedTuple):
    """What makes detections of predicted boxes, see `yolosses.boxes.selection.select`."""

    score_threshold: float
    iou_threshold: float | None
    candidates: int


class DetectorGraph(nn.Module):
    """A network and what follows it, as a function of ``images`` (B, 3, H, W) in 0..1 that holds no choice that depends
    on their values. It returns, in the order of `outputs`:

    - with ``output="raw"``: ``raw_0``, ``raw_1``, ..., the tensors of the raw output in order;
    - with ``"boxes"``: ``boxes`` (B, A, 4) of all predictors, ``scores`` (B, A, C);
    - with ``"detections"``: ``boxes`` (B, N, 4), ``scores`` (B, N), ``labels`` (B, N) int64, and ``count`` (B,) int64:
      the first ``count`` of an image are its detections, best first; the rest is filled up.

    Boxes are cxcywh in fractions of the input; detections are clipped to it.

    Args:
        model: the network, in evaluation mode. decoder: the loss it was trained with.
        images: an example (B, 3, H, W), which fixes H and W.

    Raises:
        ValueError: ``output`` is none of the three.
    """

    def __init__(
        self, model: nn.Module, decoder: Decoder, images: Tensor, *, output: Output, suppression: Suppression
    ) -> None:
        super().__init__()
        choice("output", output, OUTPUTS)
        self.model, self.decoder, self.output, self.suppression = model, decoder, output, suppression
        self.image_size = (images.shape[2], images.shape[3])
        with torch.no_grad():
            levels, self.form = tree_flatten(model(images))
        self.levels = len(levels)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what is returned."""
        match self.output:
            case "raw":
                return tuple(f"raw_{level}" for level in range(self.levels))
            case "boxes":
                return ("boxes", "scores")
            case "detections":
                return ("boxes", "scores", "labels", "count")

    @property
    def structure(self) -> Any:
        """How the tensors of the raw output belong together: their numbers, in lists and dicts as the network has
        them."""
        return tree_unflatten(list(range(self.levels)), self.form)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The `outputs` for ``images``."""
        with exporting():
            raw = self.model(images)
            if self.output == "raw":
                return tuple(tree_flatten(raw)[0])
            boxes, scores = self.decoder.decode(raw)
            if self.output == "boxes":
                return boxes, scores
            boxes, scores, labels, kept = select(boxes, scores, **self.suppression._asdict())
            return _packed(boxes, scores, labels, kept)


def _packed(boxes: Tensor, scores: Tensor, labels: Tensor, kept: Tensor) -> tuple[Tensor, ...]:
    """What is kept before the rest, both in their order."""
    n = kept.shape[1]
    # Keys that are all different: exporters have no stable sorting.
    key = kept.long() * n - torch.arange(n, device=kept.device)
    order = key.topk(n, dim=1).indices
    boxes = boxes.gather(1, order[..., None].expand(-1, -1, 4))
    return boxes, scores.gather(1, order), labels.gather(1, order), kept.sum(1)
