"""The dictionaries of torchvision, Hugging Face and DETR, one for each image, and of Ultralytics, one for the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from yolosses.arguments import integer
from yolosses.structures.target_checks import refuse_first
from yolosses.structures.target_forms import TO_CXCYWH, image_sizes, named_format, plain, whole_numbers


class DictBoxes(NamedTuple):
    """The boxes of one image: their format, and the (height, width) in pixels of whose image they are; None where
    they are fractions."""

    boxes: Any
    box_format: str
    size: Any | None


def read_boxes(entry: Mapping[str, Any], index: int, image_size: Any | None) -> DictBoxes:
    """The boxes of ``dicts[index]``."""
    boxes = entry["boxes"]
    if not hasattr(boxes, "__len__"):
        raise TypeError(
            f"dicts[{index}]['boxes']: expected a tensor, an array or a list; got {type(boxes).__name__}"
        )
    named = named_format(boxes)
    if named is not None:
        if named not in TO_CXCYWH:
            raise ValueError(
                f"dicts[{index}]['boxes']: expected the format XYXY, XYWH or CXCYWH; got {named.upper()}"
            )
        return DictBoxes(boxes, named, tuple(boxes.canvas_size))
    if "class_labels" in entry or "size" in entry:
        return DictBoxes(boxes, "cxcywh", None)
    size = next((entry[key] for key in ("image_size", "orig_size") if key in entry), image_size)
    if size is None and len(boxes):
        raise ValueError(
            f"image_size: expected the (height, width) whose pixels the boxes of dicts[{index}] are in, here or as "
            "'image_size' in the dictionary; got None"
        )
    return DictBoxes(boxes, "xyxy", (1, 1) if size is None else size)


def read_dicts(
    dicts: Sequence[Mapping[str, Any]], image_size: Any | None
) -> tuple[list[Any], str, list[Any] | None]:
    """The boxes of all ``dicts``, their one format, and the size of each image or None."""
    for index, entry in enumerate(dicts):
        if not isinstance(entry, Mapping):
            raise TypeError(f"dicts[{index}]: expected a dictionary; got {type(entry).__name__}")
        require_keys(f"dicts[{index}]", entry, "boxes")
    sizes = [None] * len(dicts) if image_size is None else image_sizes(image_size, len(dicts))
    read = [read_boxes(entry, i, size) for i, (entry, size) in enumerate(zip(dicts, sizes, strict=True))]
    full = [(i, one) for i, one in enumerate(read) if len(one.boxes)]  # an image without boxes fits any form
    first, model = full[0] if full else (0, DictBoxes([], "cxcywh", None))
    for index, one in full:
        if _form(one) != _form(model):
            raise ValueError(
                f"dicts[{index}]['boxes']: expected {_form(model)} like dicts[{first}]; got {_form(one)}"
            )
    boxes = [one.boxes if len(one.boxes) else plain(one.boxes, "boxes").reshape(0, 4) for one in read]
    if model.size is None:
        return boxes, model.box_format, None
    return boxes, model.box_format, [(1, 1) if one.size is None else one.size for one in read]


def _form(one: DictBoxes) -> str:
    return f"{one.box_format} in {'fractions' if one.size is None else 'pixels'}"


def read_labels(
    dicts: Sequence[Mapping[str, Any]], first_class: int, look: Callable[[Tensor], bool]
) -> list[Tensor]:
    """The classes of all ``dicts``, counted from 0 where they count from ``first_class``."""
    integer("first_class", first_class, least=0)
    labels = []
    for index, entry in enumerate(dicts):
        keys = [key for key in ("labels", "class_labels") if key in entry]
        if len(keys) != 1:
            raise ValueError(
                f"dicts[{index}]: expected one of the keys 'labels', 'class_labels'; got {_keys(entry)}"
            )
        value = plain(entry[keys[0]], f"dicts[{index}][{keys[0]!r}]")
        known = look(value)
        numbers = whole_numbers(value, "labels", known, within=(index,))
        if first_class and known:
            wrong = numbers < first_class
            if "iscrowd" in entry:
                wrong &= ~plain(entry["iscrowd"], f"dicts[{index}]['iscrowd']", wrong.device).bool()
            refuse_first("labels", wrong, f"a class >= first_class={first_class}", numbers, within=(index,))
        labels.append(numbers - first_class)
    return labels


def read_crowds(dicts: Sequence[Mapping[str, Any]]) -> list[Any] | None:
    """``iscrowd`` of all ``dicts``, where any has it."""
    if not any("iscrowd" in entry for entry in dicts):
        return None
    return [entry.get("iscrowd", [False] * len(entry["boxes"])) for entry in dicts]


def read_batch(batch: Mapping[str, Any], look: Callable[[Tensor], bool]) -> tuple[Tensor, Tensor, Tensor]:
    """(N,) image indices and (N,) classes, both int64, and (N, 4) boxes of Ultralytics' ``batch``."""
    require_keys("batch", batch, "batch_idx", "cls", "bboxes")
    boxes = plain(batch["bboxes"], "bboxes")
    if boxes.numel() == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"bboxes: expected (N, 4); got {tuple(boxes.shape)}")
    columns = []
    for name in ("batch_idx", "cls"):
        column = plain(batch[name], name, boxes.device)
        if column.shape not in ((len(boxes),), (len(boxes), 1)):
            raise ValueError(
                f"{name}: expected ({len(boxes)},) or ({len(boxes)}, 1) like bboxes; got {tuple(column.shape)}"
            )
        columns.append(whole_numbers(column.reshape(-1), name, look(column)))
    return columns[0], columns[1], boxes


def images_of(batch: Mapping[str, Any], batch_size: int | None) -> int:
    """The number of images of Ultralytics' ``batch``."""
    if "img" not in batch:
        if batch_size is None:
            raise ValueError(
                "batch_size: expected the number of images, since batch has no key 'img'; got None"
            )
        return batch_size
    if batch_size not in (None, len(batch["img"])):
        raise ValueError(f"batch_size: expected {len(batch['img'])} like batch['img']; got {batch_size}")
    return len(batch["img"])


def require_keys(name: str, entry: Mapping[str, Any], *keys: str) -> None:
    """Raise ``ValueError`` unless ``entry`` has all ``keys``."""
    for key in keys:
        if key not in entry:
            raise ValueError(f"{name}: expected the key {key!r}; got {_keys(entry)}")


def _keys(entry: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, entry)) or "no keys"
