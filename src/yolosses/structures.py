"""What flows through every loss: `Targets` in, `Assignment` and `Term` within, `LossOutput` out,
`Predictions` decoded, and the `Place` of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from yolosses import host
from yolosses.arguments import require_choice
from yolosses.boxes import cxcywh_to_xyxy, from_pixels, xywh_to_cxcywh, xyxy_to_cxcywh

ImageSize = tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """The truth of a batch: objects padded to one length M >= 1, with a mask that tells objects from padding.

    Attributes:
        boxes: (B, M, 4) cxcywh, fractions of the image; float32 or float64.
        labels: (B, M) int64, class index from 0.
        mask: (B, M) bool, True where there is an object. Holes are allowed.
        weight: (B, M) floating or None: every term of the object is multiplied by it. An object
            of weight 0 still owns its cell.
        ignore: (B, M) bool or None: crowd regions. They are nobody's target, and predictions on them are not
            punished as background.

    Shapes and dtypes are checked on construction (``ValueError``, ``TypeError``); values only by `validate`,
    since looking at them makes a GPU wait.
    """

    boxes: Tensor
    labels: Tensor
    mask: Tensor
    weight: Tensor | None = None
    ignore: Tensor | None = None

    def __post_init__(self) -> None:
        if self.boxes.ndim != 3 or self.boxes.shape[-1] != 4 or self.boxes.shape[1] < 1:
            raise ValueError(f"boxes: expected (B, M, 4) with M >= 1; got {tuple(self.boxes.shape)}")
        if self.boxes.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"boxes: expected float32 or float64; got {self.boxes.dtype}")
        if self.labels.dtype != torch.int64:
            raise TypeError(f"labels: expected int64; got {self.labels.dtype}")
        for name, wanted in (("mask", torch.bool), ("ignore", torch.bool)):
            value = getattr(self, name)
            if value is not None and value.dtype != wanted:
                raise TypeError(f"{name}: expected {wanted}; got {value.dtype}")
        if self.weight is not None and not self.weight.is_floating_point():
            raise TypeError(f"weight: expected a floating dtype; got {self.weight.dtype}")
        for name in ("labels", "mask", "weight", "ignore"):
            value = getattr(self, name)
            if value is not None and value.shape != self.boxes.shape[:2]:
                raise ValueError(
                    f"{name}: expected {tuple(self.boxes.shape[:2])} like boxes; got {tuple(value.shape)}"
                )

    def __len__(self) -> int:
        """Number of images."""
        return self.boxes.shape[0]

    @property
    def positive(self) -> Tensor:
        """(B, M) bool: the objects that a prediction may answer for, that is all but padding and ignored
        regions."""
        return self.mask if self.ignore is None else self.mask & ~self.ignore

    def at(self, index: Tensor, mask: Tensor) -> Targets:
        """The objects at ``index`` (B, P) int64 of each image, with repetition.

        Where ``mask`` (B, P) bool is False a box of half the image, of class 0 and weight 0, stands in:
        padding may hold any numbers, and a NaN that meets its weight 0 too late is a NaN in the gradient.
        """
        neutral = {"boxes": 0.5, "labels": 0, "mask": False, "weight": 0.0, "ignore": False}
        picked = {}
        for f in fields(self):
            if (value := getattr(self, f.name)) is not None:
                place, keep = (index, mask) if value.ndim == 2 else (index[..., None], mask[..., None])
                picked[f.name] = torch.where(keep, value.take_along_dim(place, 1), neutral[f.name])
        return replace(self, **picked)

    @classmethod
    def from_cxcywh(
        cls,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        *,
        weight: Sequence[Tensor] | None = None,
        ignore: Sequence[Tensor] | None = None,
    ) -> Targets:
        """From one (n, 4) cxcywh tensor in fractions of the image and one (n,) label tensor for each image; n
        may be 0."""
        return cls._pad(boxes, labels, weight, ignore)

    @classmethod
    def from_xyxy(
        cls,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        *,
        image_size: ImageSize | Sequence[ImageSize],
        weight: Sequence[Tensor] | None = None,
        ignore: Sequence[Tensor] | None = None,
    ) -> Targets:
        """From (n, 4) left, top, right, bottom edges in pixels. ``image_size``: (height, width), one for all
        or one for each image."""
        sizes = _sizes(image_size, len(boxes))
        converted = [
            from_pixels(xyxy_to_cxcywh(_boxes(b, i)), s)
            for i, (b, s) in enumerate(zip(boxes, sizes, strict=True))
        ]
        return cls._pad(converted, labels, weight, ignore)

    @classmethod
    def from_coco(
        cls,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        *,
        image_size: ImageSize | Sequence[ImageSize],
        weight: Sequence[Tensor] | None = None,
        ignore: Sequence[Tensor] | None = None,
    ) -> Targets:
        """From (n, 4) left, top, width, height in pixels, as in COCO's ``bbox``; give ``iscrowd`` as
        ``ignore``.

        ``image_size``: (height, width), one for all or one for each image. Labels are class indices from 0,
        not COCO's category ids.
        """
        sizes = _sizes(image_size, len(boxes))
        converted = [
            from_pixels(xywh_to_cxcywh(_boxes(b, i)), s)
            for i, (b, s) in enumerate(zip(boxes, sizes, strict=True))
        ]
        return cls._pad(converted, labels, weight, ignore)

    @classmethod
    def from_yolo_rows(cls, rows: Tensor, *, batch_size: int) -> Targets:
        """From one (N, 6) table for the whole batch: image index, class, cx, cy, w, h in fractions, rows in
        any order.

        Objects keep their order within an image. ``batch_size`` is needed because the last images may have no
        row.
        """
        if rows.ndim != 2 or rows.shape[1] != 6:
            raise ValueError(f"rows: expected (N, 6): image, class, cx, cy, w, h; got {tuple(rows.shape)}")
        image = rows[:, 0].long()
        if rows.numel() and not (int(image.min()) >= 0 and int(image.max()) < batch_size):
            raise ValueError(
                f"rows: expected image indices in 0..{batch_size - 1}; got {int(image.min())}..{int(image.max())}"
            )
        members = [rows[image == index] for index in range(batch_size)]
        return cls._pad([m[:, 2:] for m in members], [m[:, 1] for m in members], None, None)

    @classmethod
    def _pad(
        cls,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        weight: Sequence[Tensor] | None,
        ignore: Sequence[Tensor] | None,
    ) -> Targets:
        if len(boxes) == 0:
            raise ValueError("boxes: expected one tensor for each image; got an empty list")
        checked = [_boxes(b, i) for i, b in enumerate(boxes)]
        if any(b.dtype == torch.float64 for b in checked):
            checked = [b.double() for b in checked]
        counts = [len(b) for b in checked]
        mask = [
            torch.ones(n, dtype=torch.bool, device=b.device) for n, b in zip(counts, checked, strict=True)
        ]
        padded = pad_sequence(checked, batch_first=True)
        if padded.shape[1] == 0:  # M >= 1 keeps every later shape non-empty
            padded = padded.new_zeros(len(boxes), 1, 4)
        extras = {"labels": labels, "mask": mask, "weight": weight, "ignore": ignore}
        return cls(
            boxes=padded,
            **{name: _pad_column(name, column, counts, padded) for name, column in extras.items()},  # type: ignore[arg-type]
        )

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Targets:
        """The same targets on another device."""
        moved = {
            f.name: value.to(device, non_blocking=non_blocking)
            for f in fields(self)
            if (value := getattr(self, f.name)) is not None
        }
        return replace(self, **moved)

    def validate(self, num_classes: int | None = None) -> Targets:
        """Look at the values, at the data's edge: returns ``self``, or raises ``ValueError`` naming the first
        wrong object.

        An object must have finite numbers, w and h > 0, a centre in [0, 1], edges in the image (to 1e-3), a
        weight >= 0, and with ``num_classes`` a label in 0..num_classes-1. This reads the tensors back to the
        host: call it on the CPU, not in the step.
        """
        boxes, edges = self.boxes, cxcywh_to_xyxy(self.boxes)
        if num_classes is not None:
            wrong = (self.labels < 0) | (self.labels >= num_classes)
            self._raise_first("labels", wrong, f"expected a class in 0..{num_classes - 1}", self.labels)
        checks = [
            (~boxes.isfinite().all(-1), "expected finite numbers"),
            ((boxes[..., 2:] <= 0).any(-1), "expected w and h > 0"),
            (
                ((boxes[..., :2] < 0) | (boxes[..., :2] > 1)).any(-1),
                "expected a centre in [0, 1], fractions of the image",
            ),
            (
                ((edges < -1e-3) | (edges > 1 + 1e-3)).any(-1),
                "expected a box within the image, fractions of the image",
            ),
        ]
        for wrong, expected in checks:
            self._raise_first("boxes", wrong, f"{expected} (cx, cy, w, h)", self.boxes)
        if self.weight is not None:
            self._raise_first(
                "weight",
                ~(self.weight >= 0) | self.weight.isinf(),
                "expected a finite weight >= 0",
                self.weight,
            )
        return self

    def _raise_first(self, name: str, wrong: Tensor, expected: str, values: Tensor) -> None:
        found = (wrong & self.mask).nonzero().tolist()
        if found:
            image, index = found[0]
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise ValueError(
                f"{name}[{image}, {index}]: {expected}; got {values[image, index].tolist()}{more}"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Assignment:
    """Who answers for which object: P pairs of a predictor and an object in each image, of constant number.

    Attributes:
        predictor: (B, P) int64, index over the A predictors of an image (0 where ``mask`` is False).
        object: (B, P) int64, index of the object in `Targets`.
        mask: (B, P) bool, True where the pair counts.
        iou: (B, P) floating, IoU of the predicted box with its object when they were paired (0 where ``mask``
            is False). A constant: no gradient.
        num_dropped: (B,) int64, objects that no predictor answers for.
        spared: (B, A) bool or None, predictors on an ignored region: neither positive nor punished as
            background.
        quality: (B, P) floating or None, how well each pair fits, 0 to 1 (0 where ``mask`` is False): the soft target
            of its score, and the weight of its box. None where all pairs count alike.
    """

    predictor: Tensor
    object: Tensor
    mask: Tensor
    iou: Tensor
    num_dropped: Tensor
    spared: Tensor | None = None
    quality: Tensor | None = None

    def background(self, num_predictors: int) -> Tensor:
        """(B, A) bool: the predictors that answer for nothing and are not spared."""
        # Pairs that do not count meet in an extra place that is cut off, so that every shape stays constant.
        place = torch.where(self.mask, self.predictor, num_predictors)
        everyone = self.mask.new_ones(self.mask.shape[0], num_predictors + 1)
        free = everyone.scatter(1, place, False)[:, :num_predictors]
        return free if self.spared is None else free & ~self.spared


@dataclass(frozen=True, kw_only=True, eq=False)
class Term:
    """One term of a loss before any sum: N places of E elements in each image. What the value is made of, and
    what explains it.

    Attributes:
        name: key of the term in `LossOutput.terms`.
        scale: the term's hyper-parameter (lambda).
        penalty: (B, N, E) elementwise penalties.
        weight: (B, N, 1) or (B, N, E), the indicator of the term (0 where it does not apply) times the
            weights of objects and classes.
        pred, target: (B, N, E) what the penalty compared.
        predictor: (B, N) int64, the predictor at each place.
        object: (B, N) int64, the object it answers for, or None for background.
        elements: names of the E elements, or None where they are the classes.
        activation: from ``pred`` to the quantity that it stands for, where ``pred`` is a logit; or None.
        part: (N,) int64 or None, which entry of a normaliser with several entries each place is divided by.
    """

    name: str
    scale: float
    penalty: Tensor
    weight: Tensor
    pred: Tensor
    target: Tensor
    predictor: Tensor
    object: Tensor | None
    elements: tuple[str, ...] | None = None
    activation: Callable[[Tensor], Tensor] | None = None
    part: Tensor | None = None

    @classmethod
    def compare(
        cls,
        name: str,
        scale: float,
        penalty: Callable[[Tensor, Tensor], Tensor],
        pred: Tensor,
        target: Tensor,
        weight: Tensor,
        *,
        predictor: Tensor | None = None,
        object: Tensor | None = None,
        elements: tuple[str, ...] | None = None,
        activation: Callable[[Tensor], Tensor] | None = None,
        part: Tensor | None = None,
    ) -> Term:
        """The term that ``penalty`` makes of ``pred`` and ``target``. Without ``predictor`` the places are all
        predictors in order."""
        target = target.to(pred.dtype)
        if predictor is None:
            predictor = torch.arange(pred.shape[1], device=pred.device).expand(pred.shape[:2])
        return cls(
            name=name,
            scale=scale,
            penalty=penalty(pred, target),
            weight=weight,
            pred=pred,
            target=target,
            predictor=predictor,
            object=object,
            elements=elements,
            activation=activation,
            part=part,
        )

    def per_image(self, normalizer: Tensor | float = 1.0) -> Tensor:
        """(B,) sum over the places divided by ``normalizer``, without ``scale``. A penalty that overflows where the
        term does not apply adds nothing."""
        by_place = torch.where(self.weight != 0, self.penalty * self.weight, 0).sum(2)
        if self.part is not None and isinstance(normalizer, Tensor) and normalizer.ndim:
            return (by_place / normalizer[self.part]).sum(1)
        return _divided(by_place.sum(1), normalizer)


@dataclass(frozen=True, kw_only=True, eq=False)
class TermSum:
    """One term of a loss of which only the sums are kept: what trains needs no more.

    Attributes:
        name, scale: as of `Term`.
        sums: (B, Q) of each image, without ``scale``, in Q parts.
        part: the first of Q entries of a normaliser with several entries that they are divided by.
        table: (B, T) the sums of all T terms of a loss in order, of which ``sums`` is a column; or None.
    """

    name: str
    scale: float
    sums: Tensor
    part: int = 0
    table: Tensor | None = None

    @classmethod
    def columns(cls, names: Sequence[str], scales: Sequence[float], table: Tensor) -> tuple[TermSum, ...]:
        """The terms of a ``table`` (B, T)."""
        columns = zip(names, scales, torch.split(table, 1, 1), strict=True)
        return tuple(cls(name=name, scale=scale, sums=sums, table=table) for name, scale, sums in columns)

    @classmethod
    def of(cls, term: Term, image: Tensor, images: int, parts: int = 1) -> TermSum:
        """The sums of ``term`` over places (N,) or (B, P), for the ``image`` of each, which broadcasts. With several
        ``parts``, ``term.part`` (N,) tells which each place is of."""
        by_place = torch.where(term.weight != 0, term.penalty * term.weight, 0).sum(-1)
        if parts == 1:
            sums = by_image(by_place, image, images)[:, None]
        else:
            assert term.part is not None
            sums = by_image(by_place, image * parts + term.part, images * parts).view(images, parts)
        return cls(name=term.name, scale=term.scale, sums=sums)

    def per_image(self, normalizer: Tensor | float = 1.0) -> Tensor:
        """(B,) ``sums`` divided by ``normalizer``."""
        if isinstance(normalizer, Tensor) and normalizer.ndim:
            normalizer = normalizer[self.part : self.part + self.sums.shape[1]]
        divided = _divided(self.sums, normalizer)
        return divided.squeeze(1) if divided.shape[1] == 1 else divided.sum(1)


@dataclass(frozen=True, kw_only=True, eq=False)
class LossOutput:
    """A loss and where its value comes from. ``print(output)`` shows the table.

    Attributes:
        total: scalar, the sum of ``terms``; (B,) with ``reduction="none"``.
        terms: weighted by their lambda; like ``total`` in shape.
        raw_terms: the same without the lambda.
        per_image: (B, number of terms), weighted; its sum over images is ``terms``.
        scales: the lambda of each term.
        assignment: who answered for what.
        normalizer: what the sum was divided by: a number, or several for a loss whose parts are means of their own.
        num_dropped: scalar int64, objects of the batch that no predictor answers for.
    """

    total: Tensor
    terms: dict[str, Tensor]
    raw_terms: dict[str, Tensor]
    per_image: Tensor
    scales: dict[str, float]
    assignment: Assignment
    normalizer: Tensor | float
    num_dropped: Tensor

    @classmethod
    def reduce(
        cls,
        terms: Sequence[Term | TermSum],
        assignment: Assignment,
        *,
        reduction: str,
        normalizer: Tensor | float | None = None,
        own: Tensor | float | None = None,
    ) -> LossOutput:
        """Sum terms.

        Args:
            reduction: "mean" divides by ``normalizer`` (default: ``own``), "sum" by nothing, "none" keeps the images
                apart.
            normalizer: for "mean" only. With data-parallel training, whose gradients are averaged, pass ``own`` of all
                processes together / (number of processes).
            own: what the loss divides by when it is alone; None: the number of images.

        Raises:
            ValueError: unknown reduction, or a normalizer where none is used.
        """
        require_choice("reduction", reduction, ("mean", "sum", "none"))
        if normalizer is not None and reduction != "mean":
            raise ValueError(
                f"normalizer: expected None with reduction={reduction!r}; it divides only a mean"
            )
        if own is None:
            own = max(len(assignment.mask), 1)
        divisor = (own if normalizer is None else normalizer) if reduction == "mean" else 1.0
        if isinstance(divisor, Tensor) and divisor.ndim:
            unscaled = torch.stack([term.per_image(divisor) for term in terms], 1)
        else:
            unscaled = _table(terms) / divisor
        per_image = _scaled(unscaled, [term.scale for term in terms])
        raw, weighted = (unscaled, per_image) if reduction == "none" else (unscaled.sum(0), per_image.sum(0))
        names = [term.name for term in terms]
        return cls(
            total=weighted.sum(-1),
            terms=dict(zip(names, weighted.unbind(-1), strict=True)),
            raw_terms=dict(zip(names, raw.unbind(-1), strict=True)),
            per_image=per_image,
            scales={term.name: term.scale for term in terms},
            assignment=assignment,
            normalizer=divisor,
            num_dropped=assignment.num_dropped.sum(),
        )

    def __str__(self) -> str:
        total = self.total.detach().double().sum().item()
        lines = [f"{'term':<8}{'value':>12}{'weight':>9}{'weighted':>12}{'share':>8}"]
        lines.append("─" * len(lines[0]))
        for name, scale in self.scales.items():
            value = self.raw_terms[name].detach().double().sum().item()
            weighted = self.terms[name].detach().double().sum().item()
            share = f"{weighted / total:.1%}" if total else "-"
            lines.append(f"{name:<8}{value:>12.4f}{scale:>9g}{weighted:>12.4f}{share:>8}")
        lines.append(lines[1])
        lines.append(f"{'total':<29}{total:>12.4f}")
        pairs, dropped = int(self.assignment.mask.sum()), int(self.num_dropped)
        lines.append(f"{len(self.per_image)} images, {pairs} objects answered for, {dropped} dropped")
        return "\n".join(lines)


def _divided(sums: Tensor, normalizer: Tensor | float) -> Tensor:
    """A batch of a few images is made of so few operations that one for nothing shows."""
    return sums if isinstance(normalizer, float) and normalizer == 1 else sums / normalizer


def _table(terms: Sequence[Term | TermSum]) -> Tensor:
    """(B, T) the sums of the terms."""
    table = terms[0].table if isinstance(terms[0], TermSum) else None
    if table is not None and len(terms) == table.shape[1]:
        together = all(isinstance(term, TermSum) and term.table is table for term in terms)
        if together:
            return table
    return torch.stack([term.per_image() for term in terms], 1)


def _scaled(columns: Tensor, scales: list[float]) -> Tensor:
    """``columns`` (B, T), each times its scale."""
    if host.on_host(columns):
        return columns * columns.new_tensor(scales)
    # What the host makes it would have to send, and wait for.
    return torch.stack([column * scale for column, scale in zip(columns.unbind(1), scales, strict=True)], 1)


def by_image(values: Tensor, image: Tensor, images: int) -> Tensor:
    """(B, ...) sums of ``values`` (N, ...) over those with the same ``image`` (N,), or of values (B, P, ...), for which
    ``image`` is (B, 1)."""
    if image.ndim == 2:
        return values.sum(1)
    if values.ndim == 1:
        return values.new_zeros(images).index_add(0, image, values)
    # One index for each number: rows would be sorted first, by threads that wait for each other.
    width = math.prod(values.shape[1:])
    index = image[:, None] * width + torch.arange(width, device=image.device)
    sums = values.new_zeros(images * width).index_add(0, index.flatten(), values.flatten())
    return sums.view(images, *values.shape[1:])


class Place(NamedTuple):
    """Where predictors sit, each field int64 of one shape: ``level`` of the output (0 where there is one), ``row``
    and ``col`` of the cell, ``box`` within the cell."""

    level: Tensor
    row: Tensor
    col: Tensor
    box: Tensor


class Predictions(NamedTuple):
    """Decoded output of a network: A predicted boxes an image, before any threshold or suppression.

    ``boxes``: (B, A, 4) cxcywh, fractions of the image; ``scores``: (B, A, C), one score a class.
    """

    boxes: Tensor
    scores: Tensor


def require_targets(targets: Targets, *, images: int, device: torch.device) -> None:
    """Raise unless ``targets`` fit a raw output of ``images`` images on ``device``."""
    if not isinstance(targets, Targets):
        raise TypeError(f"targets: expected Targets; got {type(targets).__name__}")
    if len(targets) != images:
        raise ValueError(f"targets: expected {images} images like raw; got {len(targets)}")
    if targets.boxes.device != device:
        raise ValueError(f"targets: expected on {device} like raw; got {targets.boxes.device}")


def _boxes(boxes: Tensor, index: int) -> Tensor:
    boxes = torch.as_tensor(boxes)
    if boxes.numel() == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes[{index}]: expected (n, 4); got {tuple(boxes.shape)}")
    return boxes if boxes.dtype == torch.float64 else boxes.float()


def _sizes(image_size: ImageSize | Sequence[ImageSize], count: int) -> list[tuple[float, float]]:
    sizes = torch.as_tensor(image_size, dtype=torch.float64)
    if sizes.shape not in ((2,), (count, 2)):
        raise ValueError(
            f"image_size: expected one (height, width), or one for each of {count} images; got {image_size!r}"
        )
    return [(height, width) for height, width in sizes.expand(count, 2).tolist()]


def _pad_column(
    name: str, column: Sequence[Tensor] | None, counts: list[int], padded: Tensor
) -> Tensor | None:
    if column is None:
        return None
    if len(column) != len(counts):
        raise ValueError(f"{name}: expected one tensor for each of {len(counts)} images; got {len(column)}")
    dtype = {"labels": torch.int64, "weight": padded.dtype}.get(name, torch.bool)
    tensors = [torch.as_tensor(value, device=padded.device).to(dtype) for value in column]
    for index, (value, count) in enumerate(zip(tensors, counts, strict=True)):
        if value.shape != (count,):
            raise ValueError(
                f"{name}[{index}]: expected ({count},) like boxes[{index}]; got {tuple(value.shape)}"
            )
    result = pad_sequence(tensors, batch_first=True)
    return result if result.shape[1] else result.new_zeros(len(counts), 1)
