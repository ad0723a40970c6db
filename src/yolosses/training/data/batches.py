"""Batches of training pictures, the same for the same seed, prepared ahead in the background."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from yolosses.structures import Targets
from yolosses.training.data.dataset import DetectionDataset
from yolosses.training.data.problems import DataError
from yolosses.training.data.transforms import (
    Augmentation,
    Fit,
    Geometry,
    jitter_colours,
    plain_geometry,
    random_geometry,
    visible_boxes,
    warp,
)

_PICTURE, _ORDER = 0, 1  # separate random streams
_OVERSAMPLING = (
    2  # of the input's sides: a picture is not decoded smaller than this, so that crops stay sharp
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Pictures and truth for one optimiser step.

    Attributes:
        images: (B, 3, H, W) float32 RGB in 0..1, contiguous.
        targets: boxes as fractions of the images.
        indices: (B,) positions in the data set's ``records``.
        number: place of the batch in its epoch.
        geometries: how each picture lies in its image.
        num_hidden: objects that the random crops left out, see `visible_boxes`.
    """

    images: Tensor
    targets: Targets
    indices: tuple[int, ...]
    geometries: tuple[Geometry, ...]
    num_hidden: int
    number: int = 0


class Batches:
    """A data set as batches, epoch by epoch.

    What is random depends on ``(seed, epoch, index of the picture)`` alone: an epoch is the same whenever and
    however often it is asked for, so a run that is resumed sees what it would have seen.

    Args:
        dataset: the pictures.
        batch_size: pictures a batch; the last of an epoch may be smaller.
        image_size: (height, width) of the images in pixels.
        augmentation: how pictures vary; ``None``: not at all.
        fit: ``"stretch"`` or ``"letterbox"``, see `plain_geometry`.
        shuffle: a new order each epoch; otherwise that of the data set.
        seed: 0 or more.
        drop_last: leave out a last batch that is smaller than ``batch_size``.
        ahead: batches that a background thread prepares before they are asked for. 0 prepares each when it is
            asked for, which is faster where the network itself computes on the same few cores.

    Raises:
        ValueError: if an argument is out of range, or no batch would remain.
    """

    def __init__(
        self,
        dataset: DetectionDataset,
        *,
        batch_size: int,
        image_size: tuple[int, int],
        augmentation: Augmentation | None = None,
        fit: Fit = "stretch",
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        ahead: int = 2,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1; got {batch_size}")
        if min(image_size) < 1:
            raise ValueError(f"image_size: expected (height, width) in pixels; got {image_size}")
        if fit not in ("stretch", "letterbox"):
            raise ValueError(f"fit: expected 'stretch' or 'letterbox'; got {fit!r}")
        if ahead < 0:
            raise ValueError(f"ahead: expected 0 or more; got {ahead}")
        if seed < 0:
            raise ValueError(f"seed: expected 0 or more; got {seed}")
        self.dataset = dataset
        self.batch_size = batch_size
        self.image_size = image_size
        self.augmentation = augmentation
        self.fit: Fit = fit
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.ahead = ahead
        # Photos of many megapixels are decoded smaller: still large enough to be resampled well, also from a crop.
        self._least = (_OVERSAMPLING * image_size[0], _OVERSAMPLING * image_size[1])
        if len(self) == 0:
            raise ValueError(
                f"batch_size: expected at most {len(dataset)}, the number of pictures, with drop_last; got {batch_size}"
            )

    def __len__(self) -> int:
        """Batches an epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def epoch(self, number: int, *, first: int = 0, settled: bool = False) -> Iterator[Batch]:
        """The batches of an epoch, from batch ``first`` on. A background thread keeps ``ahead`` of them ready; it
        ends with the iteration. ``settled``: pictures keep their place and size, see `Augmentation.settled`.

        A picture that turns out to be unreadable is left out, and so is a batch that has no other; the data set
        remembers them (``dataset.unreadable``).

        Raises:
            DataError: when no picture of the epoch can be read.
        """
        batches = self._epoch(number, first, settled)
        return _ahead(batches, self.ahead) if self.ahead else batches

    def _epoch(self, epoch: int, first: int, settled: bool) -> Iterator[Batch]:
        order = self._order(epoch)
        groups = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        failure, made = None, 0
        for number in range(first, len(self)):
            try:
                batch = self.batch(groups[number], epoch=epoch, settled=settled)
            except DataError as error:
                failure = error
                continue
            made += 1
            yield replace(batch, number=number)
        if failure is not None and not made:
            raise failure

    def batch(self, indices: NDArray[np.int64], *, epoch: int = 0, settled: bool = False) -> Batch:
        """The batch of some pictures as they look in an epoch, made here and now. Unreadable ones are left out.

        Raises:
            DataError: when none can be read.
        """
        images = torch.empty(len(indices), 3, *self.image_size)
        read: list[int] = []
        boxes: list[Tensor] = []
        labels: list[Tensor] = []
        ignore: list[Tensor] = []
        geometries: list[Geometry] = []
        num_hidden = 0
        for index in indices.tolist():
            record = self.dataset.records[index]
            try:
                image, geometry = self._image(index, epoch, settled)
            except DataError as error:
                self.dataset.leave_out(index, error)
                if index == indices[-1] and not read:
                    raise
                continue
            images[len(read)] = torch.from_numpy(image)
            read.append(index)
            moved, keep = visible_boxes(record.boxes, geometry)
            boxes.append(torch.from_numpy(moved))
            labels.append(torch.from_numpy(record.labels[keep]))
            ignore.append(torch.from_numpy(record.ignore[keep]))
            geometries.append(geometry)
            num_hidden += int((~keep).sum())
        return Batch(
            images=images[: len(read)],
            targets=Targets.from_cxcywh(boxes, labels, ignore=ignore),
            indices=tuple(read),
            geometries=tuple(geometries),
            num_hidden=num_hidden,
        )

    def _image(self, index: int, epoch: int, settled: bool) -> tuple[NDArray[np.float32], Geometry]:
        picture = self.dataset.picture(index, least=self._least)
        size = picture.shape[:2]
        if self.augmentation is None:
            geometry = plain_geometry(size, self.image_size, self.fit)
            return warp(picture, geometry), geometry
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _PICTURE, epoch, index]))
        augmentation = self.augmentation.settled() if settled else self.augmentation
        geometry = random_geometry(size, self.image_size, self.fit, augmentation, rng)
        return jitter_colours(warp(picture, geometry), augmentation, rng), geometry

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if not self.shuffle:
            return np.arange(len(self.dataset))
        return np.random.default_rng(np.random.SeedSequence([self.seed, _ORDER, epoch])).permutation(
            len(self.dataset)
        )


def _ahead(batches: Iterator[Batch], count: int) -> Iterator[Batch]:
    """The same batches, ``count`` of them prepared before they are asked for."""
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(maxsize=count)
    stop = threading.Event()

    def hand_over(item: Batch | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def prepare() -> None:
        # For this thread only: with a pool of threads of its own it would fight the training step for the cores.
        torch.set_num_threads(1)
        try:
            for batch in batches:
                if not hand_over(batch):
                    return
            hand_over(None)
        except BaseException as error:  # raised again where the batches are used
            hand_over(error)

    worker = threading.Thread(target=prepare, name="yolosses-batches", daemon=True)
    worker.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        worker.join()
