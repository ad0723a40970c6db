"""One look at every picture: can it be decoded, is it the same as another, what lies under the borders of its boxes."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from yolosses.studies.doctor.appearance import Appearance
from yolosses.studies.doctor.borders import Contrast
from yolosses.studies.doctor.coordinates import Readings
from yolosses.studies.doctor.near import Look, near_groups
from yolosses.studies.doctor.rows import Floats, Ints, Rows
from yolosses.studies.doctor.structures import Duplicate
from yolosses.training.data import DataError, DetectionDataset, Record, is_turned

Progress = Callable[[int, int], None]

_MOST_ROWS = 100  # boxes of one picture whose borders are looked at
_BEFORE = 16  # pictures that are kept, so that neighbours, which may be alike, are not compared
_ROUNDING = 0.005  # of the picture: labels that differ by less agree
_LEAST = (640, 640)  # pixels: photos are not decoded larger than they are looked at


@dataclass(frozen=True, kw_only=True, eq=False)
class Looked:
    """What looking at pictures found.

    Attributes:
        pictures: indices of the pictures that were looked at.
        pixels: index -> fingerprint of the decoded picture. near: groups of pictures that are nearly the same.
        turned: indices of those that their EXIF orientation turns.
        unreadable: index and reason.
        readings: with contrast.
        appearance: of the objects, if some have a class that there is not.
    """

    pictures: Ints
    pixels: dict[int, bytes]
    near: list[tuple[int, ...]]
    turned: list[int]
    unreadable: list[tuple[int, str]]
    readings: list[Readings]
    appearance: Appearance

    def first_alike(self, count: int) -> Ints:
        """(N,) for each of ``count`` pictures the first that is nearly the same, which may be itself."""
        first = np.arange(count)
        for group in self.near:
            first[list(group)] = group[0]
        return first


def look_at_pictures(
    dataset: DetectionDataset,
    rows: Rows,
    readings: list[Readings],
    *,
    most: int,
    progress: Progress | None = None,
) -> Looked:
    """Decode each picture once, at most ``most`` of them, evenly over the data set."""
    count = len(dataset)
    chosen = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.int64))
    contrast = np.full((len(readings), len(rows)), np.nan)
    starts = np.searchsorted(rows.picture, np.arange(count + 1))
    pixels: dict[int, bytes] = {}
    looks: dict[int, Look] = {}
    turned, unreadable = [], []
    others: deque[Contrast] = deque(maxlen=_BEFORE)
    appearances: list[Appearance] = []
    unknown_classes = bool((rows.labels < 0).any())
    for done, index in enumerate(chosen.tolist(), 1):
        try:
            picture = dataset.picture(index, least=_LEAST)
        except DataError as error:
            unreadable.append((index, str(error)))
        else:
            shape = np.array(picture.shape, np.int64).tobytes()
            pixels[index] = _fingerprint(shape + picture.tobytes())
            looks[index] = Look.of(picture)
            record = dataset.records[index]
            if record.path is not None and is_turned(record.path):
                turned.append(index)
            these = slice(int(starts[index]), min(int(starts[index + 1]), int(starts[index]) + _MOST_ROWS))
            here = Contrast(picture)
            if these.stop > these.start:
                smaller = np.divide(picture.shape[1::-1], record.image_size[::-1])
                edges = np.concatenate([reading.edges[these] for reading in readings]) * np.tile(smaller, 2)
                usable = np.concatenate([reading.inside[these] for reading in readings])
                scores = np.where(usable, _surplus(here, edges, others), np.nan)
                contrast[:, these] = scores.reshape(len(readings), -1)
                if unknown_classes:
                    count_here = these.stop - these.start
                    as_read = np.where(usable[:count_here, None], edges[:count_here], np.nan)
                    appearances.append(Appearance.of(picture, as_read, np.arange(these.start, these.stop)))
            others.append(here)
        if progress is not None:
            progress(done, len(chosen))
    return Looked(
        pictures=chosen,
        pixels=pixels,
        near=near_groups(looks),
        turned=turned,
        unreadable=unreadable,
        readings=[replace(one, contrast=row) for one, row in zip(readings, contrast, strict=True)],
        appearance=Appearance.joined(appearances),
    )


def _surplus(here: Contrast, edges: Floats, others: Sequence[Contrast]) -> Floats:
    """Contrast of boxes in their own picture above that in two others seen before, where the same boxes lie by chance:
    what a box meets because it is large, or in the middle, it meets there too."""
    chosen = {0, len(others) // 2} if others else ()
    elsewhere = [others[place].of(here.on(edges, others[place])) for place in chosen]
    own = here.of(edges)
    if not elsewhere:
        return own
    return np.asarray(own - np.ma.masked_invalid(elsewhere).mean(0).filled(0.0))


def find_duplicates(records: Sequence[Record], splits: Sequence[int], looked: Looked) -> list[Duplicate]:
    """Pictures that are the same, byte for byte or in their pixels, and those of different splits that are nearly so;
    the larger groups first.

    Args:
        splits: of each record. looked: what looking at the pictures found.
    """
    by_file = _groups(_files(records))
    found = [_duplicate(group, "file", records, splits) for group in by_file]
    known = set(by_file)
    by_pixels = [group for group in _groups(looked.pixels.items()) if group not in known]
    found += [_duplicate(group, "pixels", records, splits) for group in by_pixels]
    same = {index: group[0] for group in (*by_file, *by_pixels) for index in group}
    for group in looked.near:
        different = len({same.get(index, index) for index in group}) > 1
        if different and len({splits[index] for index in group}) > 1:
            found.append(_duplicate(group, "near", records, splits))
    return sorted(found, key=lambda one: (not one.across_splits, -len(one.pictures), one.pictures))


def _duplicate(
    group: tuple[int, ...],
    same: Literal["file", "pixels", "near"],
    records: Sequence[Record],
    splits: Sequence[int],
) -> Duplicate:
    first, *others = (_content(records[index]) for index in group)
    return Duplicate(
        pictures=group,
        same=same,
        across_splits=len({splits[index] for index in group}) > 1,
        labels_agree=all(
            len(first) == len(other) and np.allclose(first, other, atol=_ROUNDING) for other in others
        ),
    )


def _content(record: Record) -> Floats:
    """Its objects, whatever their order: class by class, every column sorted by itself."""
    labels, counts = np.unique(record.labels, return_counts=True)
    parts = [np.sort(record.boxes[record.labels == label], axis=0) for label in labels]
    boxes = np.concatenate([np.zeros((0, 4)), *parts])
    return np.concatenate([np.repeat(labels, counts)[:, None], boxes], 1)


def _files(records: Sequence[Record]) -> Iterable[tuple[int, bytes]]:
    """Index and fingerprint of files; only those are read of which another has the same length."""
    lengths: defaultdict[int, list[tuple[int, Path]]] = defaultdict(list)
    for index, record in enumerate(records):
        if record.path is not None:
            with suppress(OSError):  # told when it was decoded
                lengths[record.path.stat().st_size].append((index, record.path))
    for index, path in chain.from_iterable(group for group in lengths.values() if len(group) > 1):
        with suppress(OSError):
            yield index, _fingerprint(path.read_bytes())


def _fingerprint(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _groups(fingerprints: Iterable[tuple[int, bytes]]) -> list[tuple[int, ...]]:
    members: defaultdict[bytes, list[int]] = defaultdict(list)
    for index, fingerprint in fingerprints:
        members[fingerprint].append(index)
    return [tuple(sorted(group)) for group in members.values() if len(group) > 1]
