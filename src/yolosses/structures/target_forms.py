"""From the forms that data loaders give to the padded tensors of `Targets`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from yolosses import modes
from yolosses.arguments import integer
from yolosses.boxes import clip_to_image, cxcywh_to_xyxy, xywh_to_cxcywh, xyxy_to_cxcywh
from yolosses.structures.target_checks import refuse_first

ImageSize = tuple[int, int]
Sizes = list[tuple[float, float]]

EXACT = (torch.float32, torch.float64)
MOST_LETTERS = 60  # of what came, in a message
TO_CXCYWH: dict[str, Callable[[Tensor], Tensor]] = {
    "xyxy": xyxy_to_cxcywh,
    "xywh": xywh_to_cxcywh,
    "cxcywh": lambda boxes: boxes,
}


class Padded(NamedTuple):
    """The fields of `Targets`, whose boxes may still be in another format."""

    boxes: Tensor
    labels: Tensor
    mask: Tensor
    weight: Tensor | None
    ignore: Tensor | None


# --- one tensor for each image ----------------------------------------------------------------------------------------


def padded_lists(
    boxes: Sequence[Any],
    labels: Sequence[Any],
    weight: Sequence[Any] | None,
    ignore: Sequence[Any] | None,
    *,
    box_format: str,
    pad_to: int | None,
    look: Callable[[Tensor], bool],
) -> Padded:
    """Boxes (n, 4), and what belongs to them (n,), of each image. ``look`` tells whether values may be looked at."""
    require_images("boxes", boxes)
    if len(boxes) == 0:
        raise ValueError("boxes: expected one tensor for each image; got an empty list")
    # A list of numbers, for an image without objects say, goes where the tensors of the others are.
    device = next((value.device for value in boxes if isinstance(value, Tensor)), None)
    checked = [_image_boxes(value, index, box_format, device) for index, value in enumerate(boxes)]
    if any(value.dtype == torch.float64 for value in checked):
        checked = [value.double() for value in checked]
    counts = [len(value) for value in checked]
    length = _length(counts, pad_to)
    table = _stacked(checked, length)
    known = look(table)

    def column(
        name: str, values: Sequence[Any], read: Callable[[Tensor, str, tuple[int, ...]], Tensor]
    ) -> Tensor:
        require_images(name, values)
        if len(values) != len(counts):
            raise ValueError(
                f"{name}: expected one tensor for each of {len(counts)} images; got {len(values)}"
            )
        tensors = []
        for index, (value, count) in enumerate(zip(values, counts, strict=True)):
            tensor = plain(value, f"{name}[{index}]", table.device)
            if tensor.numel() == 0 and count == 0:
                tensor = tensor.reshape(0)
            if tensor.shape != (count,):
                raise ValueError(
                    f"{name}[{index}]: expected ({count},) like boxes[{index}]; got {tuple(tensor.shape)}"
                )
            tensors.append(read(tensor, name, (index,)))
        return _stacked(tensors, length)

    return Padded(
        boxes=table,
        labels=column("labels", labels, lambda v, name, at: whole_numbers(v, name, known, within=at)),
        mask=_stacked([value.new_ones(len(value), dtype=torch.bool) for value in checked], length),
        weight=None if weight is None else column("weight", weight, lambda v, *_: v.to(table.dtype)),
        ignore=None
        if ignore is None
        else column("ignore", ignore, lambda v, name, at: flags(v, name, known, within=at)),
    )


def require_images(name: str, values: Any) -> None:
    """Raise ``TypeError`` unless ``values`` can be one tensor for each image, or the numbers of one."""
    if not hasattr(values, "__len__") or isinstance(values, (str, Mapping)):
        raise TypeError(f"{name}: expected one tensor for each image; got {type(values).__name__}")


def _image_boxes(value: Any, index: int, box_format: str, device: torch.device | None) -> Tensor:
    name = f"boxes[{index}]"
    refuse_other_format(value, name, box_format)
    boxes = plain(value, name, None if isinstance(value, Tensor) else device)
    if boxes.numel() == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name}: expected (n, 4); got {tuple(boxes.shape)}")
    return at_least_single(boxes, name)


def _length(counts: Sequence[int], pad_to: int | None) -> int:
    most = max(counts)
    if pad_to is None:
        return max(most, 1)  # M >= 1 keeps every later shape non-empty
    integer("pad_to", pad_to)
    if most > pad_to:
        raise ValueError(
            f"pad_to: expected >= {most}, the objects of image {counts.index(most)}; got {pad_to}"
        )
    return pad_to


def _stacked(tensors: list[Tensor], length: int) -> Tensor:
    return _lengthened(pad_sequence(tensors, batch_first=True), length)


def _lengthened(table: Tensor, length: int) -> Tensor:
    missing = length - table.shape[1]
    return F.pad(table, (0, 0) * (table.ndim - 2) + (0, missing)) if missing else table


# --- one padded tensor ------------------------------------------------------------------------------------------------


def padded_tensors(
    boxes: Any,
    labels: Any,
    weight: Any | None,
    ignore: Any | None,
    *,
    box_format: str,
    pad_to: int | None,
    look: Callable[[Tensor], bool],
) -> Padded:
    """Boxes (B, M, 4) and labels (B, M), padded with labels of -1 or boxes of zeros."""
    refuse_other_format(boxes, "boxes", box_format)
    table = plain(boxes, "boxes")
    if table.ndim != 3 or table.shape[2] != 4:
        raise ValueError(f"boxes: expected (B, M, 4); got {tuple(table.shape)}")
    table = at_least_single(table, "boxes")
    known = look(table)

    def column(name: str, value: Any) -> Tensor:
        tensor = plain(value, name, table.device)
        if tensor.shape != table.shape[:2]:
            raise ValueError(
                f"{name}: expected {tuple(table.shape[:2])} like boxes; got {tuple(tensor.shape)}"
            )
        return tensor

    numbers = column("labels", labels)
    if numbers.dtype == torch.uint8:
        numbers = numbers.long()  # in which -1 is another number than 255
    mask = (numbers != -1) & (table != 0).any(-1)
    parts = Padded(
        boxes=torch.where(mask[..., None], table, 0),
        labels=whole_numbers(numbers.masked_fill(~mask, 0), "labels", known),
        mask=mask,
        weight=None if weight is None else torch.where(mask, column("weight", weight).to(table.dtype), 0),
        ignore=None
        if ignore is None
        else flags(column("ignore", ignore).masked_fill(~mask, 0), "ignore", known),
    )
    return _of_length(parts, pad_to)


def _of_length(parts: Padded, pad_to: int | None) -> Padded:
    present = parts.mask.shape[1]
    if pad_to is not None and integer("pad_to", pad_to) < present:
        _length(parts.mask.sum(1).tolist(), pad_to)
        order = parts.mask.int().argsort(dim=1, descending=True, stable=True)[:, :pad_to]
        return _each(
            parts, lambda value: value.take_along_dim(order if value.ndim == 2 else order[..., None], 1)
        )
    return _each(parts, lambda value: _lengthened(value, pad_to or max(present, 1)))


def _each(parts: Padded, change: Callable[[Tensor], Tensor]) -> Padded:
    return Padded(*(None if value is None else change(value) for value in parts))  # type: ignore[arg-type]


# --- one table for the batch ------------------------------------------------------------------------------------------


def by_image(image: Tensor, batch_size: int, name: str, *columns: Tensor) -> tuple[Sequence[Tensor], ...]:
    """``columns`` (N, ...), each split into those of each image, in their order; ``image`` (N,) int64."""
    integer("batch_size", batch_size)
    if len(image):
        least, most = torch.stack(torch.aminmax(image)).tolist()
        if least < 0 or most >= batch_size:
            raise ValueError(f"{name}: expected image indices in 0..{batch_size - 1}; got {least}..{most}")
    order = image.argsort(stable=True)
    counts = image.new_zeros(batch_size).index_add(0, image, torch.ones_like(image)).tolist()
    return tuple(torch.split(column[order], counts) for column in columns)


# --- what all of them share -------------------------------------------------------------------------------------------


def plain(value: Any, name: str, device: torch.device | None = None) -> Tensor:
    """``value`` as a plain tensor, on ``device`` if that is given. A tensor keeps its graph, and is where it was
    whatever torch's default device is. ``TypeError`` naming ``name`` for what holds no numbers."""
    if isinstance(value, Tensor):
        tensor = value if type(value) is Tensor else value.as_subclass(Tensor)
        return tensor if device is None else tensor.to(device)
    try:
        if isinstance(value, Sequence) and any(isinstance(element, Tensor) for element in value):
            return torch.stack([plain(element, name, device) for element in value])
        if isinstance(
            value, np.ndarray
        ):  # torch knows neither steps back in memory nor the other order of bytes
            value = np.ascontiguousarray(value, value.dtype.newbyteorder("="))
        return torch.as_tensor(value, device=device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"{name}: expected numbers, in a tensor, an array or lists of equal length; got {_short(value)}"
        ) from error


def _short(value: Any) -> str:
    shown = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else repr(value)
    return shown if len(shown) <= MOST_LETTERS else f"{shown[:MOST_LETTERS]}..."


def refuse_other_format(boxes: Any, name: str, box_format: str) -> None:
    """Raise ``ValueError`` if ``boxes`` name another format themselves."""
    named = named_format(boxes)
    if named not in (None, box_format):
        raise ValueError(
            f"{name}: expected {box_format}; got a tensor of format {named} (Targets.from_dicts reads formats)"
        )


def named_format(boxes: Any) -> str | None:
    """The format that ``boxes`` themselves name, as torchvision's ``tv_tensors`` do: "xyxy", say."""
    named = getattr(boxes, "format", None)
    named = getattr(named, "name", named)
    return named.lower() if isinstance(named, str) else None


def at_least_single(boxes: Tensor, name: str) -> Tensor:
    """Boxes in float32, or float64 if they are."""
    if boxes.dtype == torch.bool or boxes.is_complex():
        raise TypeError(f"{name}: expected real numbers; got {boxes.dtype}")
    return boxes if boxes.dtype == torch.float64 else boxes.float()


def whole_numbers(values: Tensor, name: str, look: bool, *, within: Sequence[int] = ()) -> Tensor:
    """``values`` as int64. Refused are dtypes that round them, and where ``look``, numbers that are not whole."""
    if (
        values.dtype == torch.bool
        or values.is_complex()
        or (values.is_floating_point() and values.dtype not in EXACT)
    ):
        raise TypeError(
            f"{name}: expected integers, or float32 or float64, in which class numbers are exact; got {values.dtype}"
        )
    if look and values.is_floating_point():
        refuse_first(name, (values - values.trunc()) != 0, "whole numbers", values, within=within)
    return values.to(torch.int64)


def flags(values: Tensor, name: str, look: bool, *, within: Sequence[int] = ()) -> Tensor:
    """``values`` as bool; refused where ``look`` is anything but 0 and 1."""
    if values.dtype == torch.bool:
        return values
    if look:
        refuse_first(name, (values != 0) & (values != 1), "True or False, 1 or 0", values, within=within)
    return values.bool()


def image_sizes(image_size: Any, count: int) -> Sizes:
    """(height, width) of each of ``count`` images, from one for all or one for each."""
    given = _listed(image_size)
    sizes = [given] * count if _is_pair(given) else given
    if not isinstance(sizes, list) or len(sizes) != count or not all(map(_is_pair, sizes)):
        raise ValueError(
            f"image_size: expected one (height, width), or one for each of {count} images; got {image_size!r}"
        )
    for height, width in sizes:
        if not (0 < height < math.inf and 0 < width < math.inf):
            raise ValueError(f"image_size: expected (height, width) > 0 in pixels; got {(height, width)}")
    return [(height, width) for height, width in sizes]


def require_size(image_size: Any) -> None:
    """Raise ``ValueError`` for None, which would mean fractions elsewhere."""
    if image_size is None:
        raise ValueError("image_size: expected (height, width) in pixels, or (1, 1) for fractions; got None")


def _listed(value: Any) -> Any:
    """Lists of Python numbers for tuples, arrays and tensors."""
    if isinstance(value, (Tensor, np.ndarray, np.number)):
        return value.tolist()
    return [_listed(element) for element in value] if isinstance(value, (list, tuple)) else value


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(side) in (int, float) for side in value)


def in_fractions(parts: Padded, box_format: str, sizes: Sizes | None) -> Padded:
    """``parts`` with boxes cxcywh in fractions of the images; ``sizes``: see `image_sizes`, None if they are so
    already."""
    boxes = TO_CXCYWH[box_format](parts.boxes)
    if not sizes:
        return parts._replace(boxes=boxes)
    height, width = sizes[0]
    if modes.on_cpu(boxes) or any(size != sizes[0] for size in sizes):
        boxes = boxes / boxes.new_tensor([[(width, height, width, height)] for height, width in sizes])
    else:  # a tensor made on the host would force a blocking copy to the GPU
        sides = (width, height, width, height)
        boxes = torch.stack([boxes[..., i] / side for i, side in enumerate(sides)], -1)
    return parts._replace(boxes=boxes)


def cut_to_image(parts: Padded, look: bool) -> Padded:
    """``parts`` with boxes (cxcywh, fractions) cut to the image.

    Where ``look`` an object wholly outside is refused; an ignored region wholly outside becomes padding.
    """
    boxes, edges = parts.boxes, cxcywh_to_xyxy(parts.boxes)
    beyond = ((edges < 0) | (edges > 1)).any(-1) & (boxes[..., 2:] > 0).all(-1)
    cut = clip_to_image(boxes)
    outside = parts.mask & beyond & (cut[..., 2:] <= 0).any(-1)
    objects, mask = outside, parts.mask
    if parts.ignore is not None:
        objects, mask = outside & ~parts.ignore, mask & ~(outside & parts.ignore)
    if look:
        refuse_first(
            "boxes", objects, "a box that meets the image, to be cut to it, fractions (cx, cy, w, h)", boxes
        )
    return parts._replace(boxes=torch.where(beyond[..., None], cut, boxes), mask=mask)
