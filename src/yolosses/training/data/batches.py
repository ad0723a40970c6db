"""Batches of training pictures, the same for the same seed, whoever prepares them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from yolosses.structures import Targets
from yolosses.training.data.dataset import DetectionDataset
from yolosses.training.data.problems import DataError
from yolosses.training.data.transforms import (
    Augmentation,
    Fit,
    Geometry,
    jitter_colours,
    mosaic,
    mosaic_geometries,
    plain_geometry,
    random_geometry,
    visible_boxes,
    warp,
)
from yolosses.training.processes import ALONE, Processes

_PICTURE, _ORDER = 0, 1  # separate random streams
Tiles = dict[int, Geometry]  # the pictures of an image by their index, and how each lies in it
NO_TARGETS = Targets(
    boxes=torch.zeros(0, 1, 4),
    labels=torch.zeros(0, 1, dtype=torch.long),
    mask=torch.zeros(0, 1, dtype=torch.bool),
)
_OVERSAMPLING = (
    2  # of the input's sides: a picture is not decoded smaller than this, so that crops stay sharp
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Pictures and truth for one optimiser step.

    Attributes:
        images: (B, 3, H, W) float32 RGB in 0..1, contiguous.
        targets: boxes as fractions of the images.
        indices: (B,) positions in the data set's ``records``. A mosaic has three pictures more.
        names: of the pictures of each image.
        geometries: how the picture of ``indices`` lies in its image.
        num_hidden: objects that the random crops left out, see `visible_boxes`.
        number: place of the batch in its epoch.
    """

    images: Tensor
    targets: Targets
    indices: tuple[int, ...]
    names: tuple[str, ...]
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
        workers: processes that prepare batches ahead, see `torch.utils.data.DataLoader`. 0 prepares each when it is
            asked for, which is faster where the network itself computes on the same few cores.
        processes: those that share each batch; ``batch_size`` counts the pictures of all.

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
        workers: int = 0,
        processes: Processes = ALONE,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1; got {batch_size}")
        if min(image_size) < 1:
            raise ValueError(f"image_size: expected (height, width) in pixels; got {image_size}")
        if fit not in ("stretch", "letterbox"):
            raise ValueError(f"fit: expected 'stretch' or 'letterbox'; got {fit!r}")
        if workers < 0:
            raise ValueError(f"workers: expected 0 or more; got {workers}")
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
        self.workers = workers
        self.processes = processes
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
        """The batches of an epoch, from batch ``first`` on. ``settled``: pictures keep their place and size, see
        `Augmentation.settled`.

        A picture that turns out to be unreadable is left out, and so is a batch that has no other; the data set
        remembers them (``dataset.unreadable``). One of several processes gets a batch without pictures then, so that
        all go through the same batches.

        Raises:
            DataError: when no picture of the epoch can be read.
        """
        numbers = range(first, len(self))
        found = DataLoader(
            _Epoch(self, number, settled),
            batch_size=None,
            sampler=numbers,
            num_workers=min(self.workers, len(numbers)),
            collate_fn=_as_it_is,
            generator=torch.Generator(),  # or it would draw from the one that dropout draws from
        )
        failure, made = None, 0
        for batch, unreadable in found:
            self.dataset.unreadable.update(unreadable)
            if isinstance(batch, DataError):
                failure = batch
                continue
            made += len(batch.indices)
            yield batch
        if failure is not None and not made:
            raise failure

    def groups(self, epoch: int) -> list[NDArray[np.int64]]:
        """The pictures of each batch of an epoch, by index: the share of this process."""
        order = self._order(epoch)
        starts = range(0, len(self) * self.batch_size, self.batch_size)
        return [self.processes.share(order[start : start + self.batch_size]) for start in starts]

    def batch(self, indices: NDArray[np.int64], *, epoch: int = 0, settled: bool = False) -> Batch:
        """The batch of some pictures as they look in an epoch, made here and now. Unreadable ones are left out.

        Raises:
            DataError: when none can be read.
        """
        images = torch.empty(len(indices), 3, *self.image_size)
        read: list[int] = []
        tiles: list[Tiles] = []
        for index in indices.tolist():
            try:
                image, geometries = self._image(index, epoch, settled)
            except DataError as error:
                self.dataset.leave_out(index, error)
                if index == indices[-1] and not read and self.processes.count == 1:
                    raise
                continue
            images[len(read)] = torch.from_numpy(image)
            read.append(index)
            tiles.append(geometries)
        records = self.dataset.records
        objects = [self._objects(places) for places in tiles]
        return Batch(
            images=images[: len(read)],
            targets=Targets.from_cxcywh(
                [torch.from_numpy(boxes) for boxes, _, _ in objects],
                [torch.from_numpy(labels) for _, labels, _ in objects],
                ignore=[torch.from_numpy(ignore) for _, _, ignore in objects],
            )
            if read
            else NO_TARGETS,
            indices=tuple(read),
            names=tuple(" + ".join(records[index].name for index in places) for places in tiles),
            geometries=tuple(places[index] for index, places in zip(read, tiles, strict=True)),
            num_hidden=sum(len(records[index].labels) for places in tiles for index in places)
            - sum(len(labels) for _, labels, _ in objects),
        )

    def _objects(self, tiles: Tiles) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
        """Boxes, labels and ``ignore`` of what is still to be seen of the pictures of an image."""
        found = []
        for index, geometry in tiles.items():
            record = self.dataset.records[index]
            boxes, keep = visible_boxes(record.boxes, geometry)
            found.append((boxes, record.labels[keep], record.ignore[keep]))
        boxes, labels, ignore = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return boxes, labels, ignore

    def _image(self, index: int, epoch: int, settled: bool) -> tuple[NDArray[np.float32], Tiles]:
        """The image of a picture, and how this and the others of a mosaic lie in it."""
        picture = self.dataset.picture(index, least=self._least)
        if self.augmentation is None:
            geometry = plain_geometry(picture.shape[:2], self.image_size, self.fit)
            return warp(picture, geometry), {index: geometry}
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _PICTURE, epoch, index]))
        augmentation = self.augmentation.settled() if settled else self.augmentation
        pictures = {index: picture}
        if augmentation.mosaic and rng.random() < augmentation.mosaic:
            pictures |= self._others(index, rng)
        sizes = [picture.shape[:2] for picture in pictures.values()]
        if len(pictures) == 1:
            geometries: tuple[Geometry, ...] = (
                random_geometry(sizes[0], self.image_size, self.fit, augmentation, rng),
            )
        else:
            geometries = mosaic_geometries(sizes, self.image_size, self.fit, augmentation, rng)
        image = jitter_colours(mosaic(list(pictures.values()), geometries), augmentation, rng)
        return image, dict(zip(pictures, geometries, strict=True))

    def _others(self, index: int, rng: np.random.Generator) -> dict[int, NDArray[np.uint8]]:
        """Three more pictures for a mosaic, fewer where they cannot be read."""
        pictures = {}
        others = np.delete(np.arange(len(self.dataset)), index)
        for other in rng.choice(others, min(3, len(others)), replace=False).tolist():
            try:
                pictures[other] = self.dataset.picture(other, least=self._least)
            except DataError as error:
                self.dataset.leave_out(other, error)
        return pictures

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if not self.shuffle:
            return np.arange(len(self.dataset))
        return np.random.default_rng(np.random.SeedSequence([self.seed, _ORDER, epoch])).permutation(
            len(self.dataset)
        )


def usual_workers(device: torch.device) -> int:
    """How many processes prepare batches for a network on ``device``, where nobody says: none beside a CPU, which the
    network needs itself."""
    return 0 if device.type == "cpu" else min(4, os.cpu_count() or 1)


class _Epoch(Dataset[tuple[Batch | DataError, dict[str, str]]]):
    """The batches of an epoch by their numbers, for `DataLoader`; with each, what could not be read."""

    def __init__(self, batches: Batches, epoch: int, settled: bool) -> None:
        self.batches = batches
        self.epoch = epoch
        self.settled = settled
        self.groups = batches.groups(epoch)

    def __getitem__(self, number: int) -> tuple[Batch | DataError, dict[str, str]]:
        unreadable = self.batches.dataset.unreadable
        before = set(unreadable)
        try:
            batch = self.batches.batch(self.groups[number], epoch=self.epoch, settled=self.settled)
            found: Batch | DataError = replace(batch, number=number)
        except DataError as error:
            found = error
        return found, {name: reason for name, reason in unreadable.items() if name not in before}


def _as_it_is(item: Any) -> Any:
    return item
