"""The truth of a batch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from yolosses import modes
from yolosses.arguments import choice, normal_tensor
from yolosses.structures.target_checks import (
    check_boxes,
    check_labels,
    check_weight,
    is_due,
    refuse_fractions,
    values_known,
)
from yolosses.structures.target_dicts import images_of, read_batch, read_crowds, read_dicts, read_labels
from yolosses.structures.target_forms import (
    EXACT,
    TO_CXCYWH,
    ImageSize,
    Padded,
    by_image,
    cut_to_image,
    image_sizes,
    in_fractions,
    padded_lists,
    padded_tensors,
    plain,
    require_size,
    whole_numbers,
)


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

    Shapes and dtypes are checked on construction (``ValueError``, ``TypeError``), values are not. The constructors
    ``from_...`` take what data loaders give, as tensors, arrays or lists, and look at the values too::

        targets = Targets.from_xyxy([boxes], [labels], image_size=(480, 640))

    They have in common:

    - ``weight``, ``ignore``: see above, given as the labels are.
    - ``pad_to``: M. None: the most objects of an image, at least 1. An image with more than M is refused.
    - ``clip``: cut boxes to the image. An object wholly outside is refused; an ignored region wholly outside, which
      would change nothing, becomes padding.
    - ``validate``: look at the values of what was made, see `validate`, and refuse boxes that are said to be pixels and
      all lie within [0, 1]. True: always, so that a GPU waits. False: never. None: on the CPU, outside of a compiler,
      up to 10,000 slots (B times M), and a box with its centre in the image may reach beyond it.

    Boxes in float64 stay so, all others become float32; boxes and weights keep their graph. Labels must be whole
    numbers in integers, float32 or float64, ``ignore`` must be 0 or 1: on the CPU that is looked at always. Everything
    lies where the boxes lie, and can be trained with also when it was made in inference mode.
    """

    boxes: Tensor
    labels: Tensor
    mask: Tensor
    weight: Tensor | None = None
    ignore: Tensor | None = None

    def __post_init__(self) -> None:
        for name in ("boxes", "labels", "mask", "weight", "ignore"):
            value = getattr(self, name)
            if not (isinstance(value, Tensor) or (value is None and name in ("weight", "ignore"))):
                raise TypeError(f"{name}: expected a tensor; got {type(value).__name__}")
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
        """(B, M) bool: the objects that a predictor may be responsible for, that is all but padding and
        ignored regions."""
        return self.mask if self.ignore is None else self.mask & ~self.ignore

    def at(self, index: Tensor, mask: Tensor) -> Targets:
        """The objects at ``index`` (B, P) int64 of each image, with repetition.

        Where ``mask`` (B, P) bool is False the result is a box of half the image, of class 0 and weight 0:
        padding may hold any numbers, and a NaN times a weight of 0 is a NaN in the gradient.
        """
        neutral = {"boxes": 0.5, "labels": 0, "mask": False, "weight": 0.0, "ignore": False}
        picked = {}
        for f in fields(self):
            if (value := getattr(self, f.name)) is not None:
                place, keep = (index, mask) if value.ndim == 2 else (index[..., None], mask[..., None])
                # `take_along_dim` would make a compiled graph for every number of objects.
                taken = value.gather(1, place.expand(*index.shape, *value.shape[2:]))
                picked[f.name] = torch.where(keep, taken, neutral[f.name])
        return replace(self, **picked)

    def __getitem__(self, images: int | slice | Sequence[int] | Tensor) -> Targets:
        """The targets of some images, chosen as the entries of a tensor are; an int gives those of one image, still a
        batch."""
        index = self._chosen(images)
        return self._each(lambda value: value[index])

    def _chosen(self, images: Any) -> Tensor | slice:
        if isinstance(images, slice):
            return images
        if isinstance(images, (int, np.integer)):
            count, one = len(self), int(images)
            if not -count <= one < count:
                raise IndexError(f"images: expected an index of {count} images; got {one}")
            return slice(one % count, one % count + 1)
        expected = "an int, slice, list or one-dimensional tensor"
        if isinstance(images, (tuple, str)):
            raise TypeError(f"images: expected {expected}; got {images!r}")
        index = plain(images, "images", None if isinstance(images, Tensor) else self.boxes.device)
        if index.ndim > 1:
            raise TypeError(f"images: expected {expected}; got {tuple(index.shape)}")
        if index.numel() and index.is_floating_point():
            raise TypeError(f"images: expected {expected}; got {index.dtype}")
        return index.reshape(-1) if index.numel() else index.reshape(0).long()

    def split(self, size: int | Sequence[int]) -> tuple[Targets, ...]:
        """Parts of ``size`` images, or of so many images as each of several sizes says; see `torch.split`."""
        counts = [len(part) for part in self.mask.split(size)]  # type: ignore[no-untyped-call]
        starts = itertools.accumulate(counts, initial=0)
        return tuple(self[start : start + count] for start, count in zip(starts, counts, strict=False))

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Targets:
        """The same targets on another device."""
        return self._each(lambda value: value.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Targets:
        """The same targets in pinned memory; `torch.utils.data.DataLoader` asks for it."""
        return self._each(lambda value: value.pin_memory())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Targets:
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: change(value) for name, value in parts.items() if value is not None})

    def __repr__(self) -> str:
        images, slots = self.mask.shape
        held = f"{slots} slots"
        if modes.dynamic_lengths(self.mask):
            held = f"{int(self.mask.sum())} objects in {slots} slots each"
            crowds = 0 if self.ignore is None else int((self.mask & self.ignore).sum())
            held += f", {crowds} ignored" if crowds else ""
        dtype = str(self.boxes.dtype).removeprefix("torch.")
        return f"Targets({images} images, {held}, {dtype}, {self.boxes.device})"

    @classmethod
    def from_cxcywh(
        cls,
        boxes: Sequence[Any],
        labels: Sequence[Any],
        *,
        weight: Sequence[Any] | None = None,
        ignore: Sequence[Any] | None = None,
        pad_to: int | None = None,
        clip: bool = False,
        validate: bool | None = None,
    ) -> Targets:
        """From one (n, 4) cxcywh tensor in fractions of the image and one (n,) label tensor for each image; n
        may be 0."""
        parts = padded_lists(
            boxes, labels, weight, ignore,
            box_format="cxcywh", pad_to=pad_to, look=partial(values_known, validate=validate),
        )  # fmt: skip
        return cls._of(parts, "cxcywh", None, clip=clip, validate=validate)

    @classmethod
    def from_xyxy(
        cls,
        boxes: Sequence[Any],
        labels: Sequence[Any],
        *,
        image_size: ImageSize | Sequence[ImageSize],
        weight: Sequence[Any] | None = None,
        ignore: Sequence[Any] | None = None,
        pad_to: int | None = None,
        clip: bool = False,
        validate: bool | None = None,
    ) -> Targets:
        """From (n, 4) left, top, right, bottom edges in pixels.

        ``image_size``: (height, width), one for all or one for each image; (1, 1) where the edges are fractions.
        """
        require_size(image_size)
        parts = padded_lists(
            boxes, labels, weight, ignore,
            box_format="xyxy", pad_to=pad_to, look=partial(values_known, validate=validate),
        )  # fmt: skip
        return cls._of(parts, "xyxy", image_size, clip=clip, validate=validate)

    @classmethod
    def from_coco(
        cls,
        boxes: Sequence[Any],
        labels: Sequence[Any],
        *,
        image_size: ImageSize | Sequence[ImageSize],
        weight: Sequence[Any] | None = None,
        ignore: Sequence[Any] | None = None,
        pad_to: int | None = None,
        clip: bool = False,
        validate: bool | None = None,
    ) -> Targets:
        """From (n, 4) left, top, width, height in pixels, as in COCO's ``bbox``; give ``iscrowd`` as
        ``ignore``.

        ``image_size``: as of `from_xyxy`. Labels are class indices from 0, not COCO's category ids.
        """
        require_size(image_size)
        parts = padded_lists(
            boxes, labels, weight, ignore,
            box_format="xywh", pad_to=pad_to, look=partial(values_known, validate=validate),
        )  # fmt: skip
        return cls._of(parts, "xywh", image_size, clip=clip, validate=validate)

    @classmethod
    def from_yolo_rows(
        cls,
        rows: Any,
        *,
        batch_size: int,
        pad_to: int | None = None,
        clip: bool = False,
        validate: bool | None = None,
    ) -> Targets:
        """From one (N, 6) table for the whole batch: image index, class, cx, cy, w, h in fractions, rows in
        any order; float32 or float64.

        Objects keep their order within an image. ``batch_size`` is needed because the last images may have no
        row. Waits for a GPU, to know how many rows each image has.
        """
        table = plain(rows, "rows")
        if table.numel() == 0:
            table = table.reshape(0, 6)
        if table.ndim != 2 or table.shape[1] != 6:
            raise ValueError(f"rows: expected (N, 6): image, class, cx, cy, w, h; got {tuple(table.shape)}")
        if table.dtype not in EXACT:
            raise TypeError(
                "rows: expected float32 or float64, in which class and image numbers are exact; "
                f"got {table.dtype}"
            )
        numbers = whole_numbers(table[:, :2], "rows", values_known(table, validate))
        boxes, labels = by_image(numbers[:, 0], batch_size, "rows", table[:, 2:], numbers[:, 1])
        return cls.from_cxcywh(boxes, labels, pad_to=pad_to, clip=clip, validate=validate)

    @classmethod
    def from_padded(
        cls,
        boxes: Any,
        labels: Any,
        *,
        box_format: str,
        image_size: ImageSize | Sequence[ImageSize] | None = None,
        weight: Any | None = None,
        ignore: Any | None = None,
        pad_to: int | None = None,
        clip: bool = False,
        validate: bool | None = None,
    ) -> Targets:
        """From (B, M, 4) boxes and (B, M) labels of which some are padding: those with the label -1, and those whose
        box is four zeros. ``weight`` and ``ignore`` are (B, M) too.

        ``box_format``: "xyxy" (edges), "xywh" (left, top, width, height) or "cxcywh", in pixels of ``image_size``, see
        `from_xyxy`, or without it in fractions of the image. Does not wait for a GPU, unless ``pad_to`` is below M.
        """
        choice("box_format", box_format, tuple(TO_CXCYWH))
        look = partial(values_known, validate=validate)
        parts = padded_tensors(boxes, labels, weight, ignore, box_format=box_format, pad_to=pad_to, look=look)
        return cls._of(parts, box_format, image_size, clip=clip, validate=validate)

    @classmethod
    def from_dicts(
        cls,
        dicts: Sequence[Mapping[str, Any]],
        *,
        image_size: ImageSize | Sequence[ImageSize] | None = None,
        first_class: int = 0,
        pad_to: int | None = None,
        clip: bool = False,
        validate: bool | None = None,
    ) -> Targets:
        """From one dictionary for each image, as torchvision, Hugging Face and DETR make them, of one kind in a batch:

        - ``boxes`` that name a format (XYXY, XYWH or CXCYWH) and have a ``canvas_size``, torchvision's ``tv_tensors``:
          they are in that format, in pixels of that size;
        - with ``class_labels`` or ``size``, from Hugging Face or DETR: ``boxes`` are cxcywh in fractions of the image;
        - else, as torchvision's detectors take them: ``boxes`` are xyxy in pixels of ``image_size`` or ``orig_size`` in
          the dictionary, else of the argument ``image_size``.

        Classes are ``labels`` or ``class_labels``, counted from ``first_class``: 1 where 0 is the background, as in
        torchvision. ``iscrowd`` tells the ignored regions. Other keys are left alone.
        """
        look = partial(values_known, validate=validate)
        boxes, box_format, sizes = read_dicts(dicts, image_size)
        parts = padded_lists(
            boxes, read_labels(dicts, first_class, look), None, read_crowds(dicts),
            box_format=box_format, pad_to=pad_to, look=look,
        )  # fmt: skip
        return cls._of(parts, box_format, sizes, clip=clip, validate=validate)

    @classmethod
    def from_batch(
        cls,
        batch: Mapping[str, Any],
        *,
        batch_size: int | None = None,
        pad_to: int | None = None,
        clip: bool = False,
        validate: bool | None = None,
    ) -> Targets:
        """From the dictionary that Ultralytics' loaders make of a batch: ``batch_idx`` (N,) or (N, 1) image indices,
        ``cls`` (N,) or (N, 1) classes, ``bboxes`` (N, 4) cxcywh in fractions.

        The number of images is that of ``img``, else ``batch_size``. Waits for a GPU, as `from_yolo_rows` does.
        """
        image, classes, boxes = read_batch(batch, partial(values_known, validate=validate))
        rows, labels = by_image(image, images_of(batch, batch_size), "batch_idx", boxes, classes)
        return cls.from_cxcywh(rows, labels, pad_to=pad_to, clip=clip, validate=validate)

    @classmethod
    def _of(
        cls, parts: Padded, box_format: str, image_size: Any | None, *, clip: bool, validate: bool | None
    ) -> Targets:
        due = is_due(parts.boxes, validate)
        sizes = None if image_size is None else image_sizes(image_size, len(parts.boxes))
        if due and sizes is not None:
            refuse_fractions(parts.boxes, parts.mask, sizes)
        parts = in_fractions(parts, box_format, sizes)
        if clip:
            parts = cut_to_image(parts, values_known(parts.boxes, validate))
        tensors = {name: normal_tensor(value) for name, value in parts._asdict().items() if value is not None}
        made = cls(**tensors)
        if due:
            made._check(None, strict=validate is True)
        return made

    def validate(self, num_classes: int | None = None) -> Targets:
        """Look at the values: returns ``self``, or raises ``ValueError`` naming the first wrong object.

        An object must have finite numbers, w and h > 0, a centre in [0, 1], edges in the image (to 1e-3), a
        weight >= 0, and a label >= 0, with ``num_classes`` one in 0..num_classes-1. An ignored region may have any
        label and reach beyond the image, which it must meet. This reads the tensors back to the host: call it on the
        CPU, not in the step.
        """
        self._check(num_classes, strict=True)
        return self

    def _check(self, num_classes: int | None, *, strict: bool) -> None:
        check_labels(self.labels, self.positive, num_classes)
        check_boxes(self.boxes, self.mask, self.ignore, strict=strict)
        if self.weight is not None:
            check_weight(self.weight, self.mask)


def require_targets(targets: Targets, *, images: int, device: torch.device) -> None:
    """Raise unless ``targets`` fit a raw output of ``images`` images on ``device``."""
    if not isinstance(targets, Targets):
        raise TypeError(f"targets: expected Targets; got {type(targets).__name__}")
    if len(targets) != images:
        raise ValueError(f"targets: expected {images} images like raw; got {len(targets)}")
    if targets.boxes.device != device:
        raise ValueError(f"targets: expected on {device} like raw; got {targets.boxes.device}")
