"""Pictures of the reader's own in the playground, and what the network of a run emits for them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from yolosses.apps.play.detector import Detector
from yolosses.apps.play.graphs import MOST_CLASSES, MOST_SLOTS
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.labels import picture_named
from yolosses.explain.raw_output import Raw, tensors_of
from yolosses.export.playground import CLASSES, SLOTS
from yolosses.structures import Targets
from yolosses.training.data import (
    Batches,
    DetectionDataset,
    Fit,
    decode_picture,
    plain_geometry,
    printable,
    warp,
)

SIDE = 640  # of a picture as it is shown, at most
QUALITY = 88
MOST_BYTES = 16_000_000  # of an uploaded file
MOST_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
SPARE = 4  # slots for objects that the reader adds
DIGITS = tuple(str(digit) for digit in range(CLASSES))


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """A picture with its objects.

    Attributes:
        number: its place in the data; None for an uploaded one.
        picture: a data URL.
        truths: the objects, as the page has them.
        left_out: objects that are in no slot: too many, or hardly visible in the network's input.
        raw: what the network of the run emits for it; None without a run.
    """

    name: str
    number: int | None
    picture: str
    truths: tuple[dict[str, Any], ...] = ()
    left_out: int = 0
    raw: Raw | None = None

    @property
    def slots(self) -> int:
        """Room for its objects and a few more, in steps, so that pictures share their graphs."""
        return min(max(SLOTS, -(-(len(self.truths) + SPARE) // 8) * 8), MOST_SLOTS)

    def to_json(self, *, with_raw: bool) -> dict[str, Any]:
        """As the page gets it, ``raw`` as float32 in base64."""
        packed = None
        if with_raw and self.raw is not None:
            (values,) = tensors_of(self.raw)
            packed = base64.b64encode(values.contiguous().numpy().tobytes()).decode()
        return {
            "name": self.name, "number": self.number, "picture": self.picture, "truths": self.truths,
            "left_out": self.left_out, "slots": self.slots, "raw": packed,
        }  # fmt: skip


class Scenes:
    """The pictures of a data set and those that readers open, with the output of a detector.

    Raises:
        CommandError: more classes than the page can hold.
    """

    def __init__(self, dataset: DetectionDataset | None = None, detector: Detector | None = None) -> None:
        self._dataset, self.detector = dataset, detector
        self._class_names: Sequence[str] = DIGITS if dataset is None else dataset.class_names
        self._fit: Fit = "stretch"
        self._batches = None
        if detector is not None:
            settings = detector.settings
            self._class_names, self._fit = settings.class_names, settings.fit
            if dataset is not None:
                self._batches = Batches(dataset, batch_size=1, image_size=settings.image_size, fit=self._fit)
        if len(self._class_names) > MOST_CLASSES:
            raise CommandError(
                f"classes: expected at most {MOST_CLASSES} for the page; got {len(self._class_names)}"
            )
        self.numbered = lru_cache(maxsize=8)(self._numbered)

    @property
    def shows_raw(self) -> bool:
        """Whether the page can show the output of the run's network as its predicted boxes."""
        return self.detector is not None and self.detector.settings.loss == "v1"

    def capabilities(self) -> dict[str, Any]:
        """What the page has to know of its own pictures."""
        data = self._dataset
        pictures = None if data is None else {"name": data.name, "split": data.split, "count": len(data)}
        return {
            "pictures": pictures,
            "class_names": self._class_names,
            "uploads": {"bytes": MOST_BYTES, "pixels": MOST_PIXELS},
            "run": None if self.detector is None else self.detector.capabilities(),
        }

    def named(self, which: int | str) -> Scene:
        """The picture of the data with a number, or with a name.

        Raises:
            CommandError, ValueError: there is none, or it cannot be read.
        """
        if self._dataset is None:
            raise CommandError("picture: expected a server with --data; this one has none")
        if isinstance(which, str):
            which = picture_named(self._dataset, printable(which), argument="picture")
        if not 0 <= which < len(self._dataset):
            raise CommandError(f"picture: expected a number of 0 to {len(self._dataset) - 1}; got {which}")
        return self.numbered(which)

    def _numbered(self, index: int) -> Scene:
        assert self._dataset is not None
        record = self._dataset.records[index]
        if self._batches is None or self.detector is None:
            truths, hidden, raw = truths_of(record.boxes, record.labels, record.ignore), 0, None
        else:
            batch = self._batches.batch(np.array([index]))
            truths, hidden, raw = _objects(batch.targets), batch.num_hidden, self.detector.emit(batch.images)
        return Scene(
            name=record.name, number=index, truths=truths[:MOST_SLOTS], raw=raw,
            picture=data_url(self._dataset.picture(index, least=(SIDE, SIDE)), self._fit),
            left_out=max(len(truths) - MOST_SLOTS, 0) + hidden,
        )  # fmt: skip

    def opened(self, content: bytes) -> Scene:
        """The scene of a file that a reader opened; nothing of it is kept here.

        Raises:
            ValueError: it is too large, or no picture.
        """
        if len(content) > MOST_BYTES:
            raise ValueError(f"picture: expected at most {MOST_BYTES:,} bytes; got {len(content):,}")
        height, width = (0, 0) if self.detector is None else self.detector.settings.image_size
        least = (max(2 * height, SIDE), max(2 * width, SIDE))
        picture = decode_picture(content, formats=FORMATS, most_pixels=MOST_PIXELS, least=least)
        raw = None
        if self.detector is not None:
            geometry = plain_geometry(picture.shape[:2], (height, width), self._fit)
            raw = self.detector.emit(torch.from_numpy(warp(picture, geometry))[None])
        return Scene(name="", number=None, picture=data_url(picture, self._fit), raw=raw)


def truths_of(
    boxes: NDArray[np.float32], labels: NDArray[np.int64], ignore: NDArray[np.bool_]
) -> tuple[dict[str, Any], ...]:
    """Objects as the page has them."""
    return tuple(
        {"box": box, "label": label, "ignored": ignored}
        for box, label, ignored in zip(boxes.tolist(), labels.tolist(), ignore.tolist(), strict=True)
    )


def data_url(picture: NDArray[np.uint8], fit: Fit) -> str:
    """A picture as a small JPEG, with the bars that it has in the network's input."""
    if fit == "letterbox":
        side = min(SIDE, max(picture.shape[:2]))
        whole = warp(picture, plain_geometry(picture.shape[:2], (side, side), fit))
        picture = np.rint(255 * whole.transpose(1, 2, 0)).astype(np.uint8)
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE))
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _objects(targets: Targets) -> tuple[dict[str, Any], ...]:
    """Of the only image."""
    there = targets.mask[0]
    ignore = torch.zeros_like(there) if targets.ignore is None else targets.ignore[0]
    return truths_of(targets.boxes[0][there].numpy(), targets.labels[0][there].numpy(), ignore[there].numpy())
