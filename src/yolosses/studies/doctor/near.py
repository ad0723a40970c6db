"""Pictures that are nearly the same: written again, resized, a little brighter or darker.

A difference hash (is each place brighter than the one to its left?) finds pairs to look at; thumbnails decide. Two
hashes are compared only where one of their bands is the same, and there with a limited number of neighbours, so that
many pictures cost little more than proportionally.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 32  # of a thumbnail
_BITS = 16  # of the hash along each side
_STEP = 2.0  # grey levels: smaller differences say nothing, so that plain areas have bits of 0
_FEWEST = 12  # bits of 1 that make a hash telling
_APART = 24  # of 256 bits, at most
_NEIGHBOURS = 64  # of a picture in a band
_CONTRAST = 6.0  # standard deviation in grey levels: a plainer thumbnail says nothing
_ON_AVERAGE, _AT_ONE_PLACE = 0.12, 0.8  # of that: what may remain different (root mean square, and at most)
_GAIN = (0.6, 1.6)  # contrast of one against the other


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What is kept of a picture. thumbnail: (32, 32) uint8, grey. bits: (16, 16) bool, its hash."""

    thumbnail: NDArray[np.uint8]
    bits: NDArray[np.bool_]

    @classmethod
    def of(cls, picture: NDArray[np.uint8]) -> Look:
        """Of a picture (H, W, 3)."""
        grey = Image.fromarray(picture).convert("L")
        small = grey.resize((_BITS + 1, _BITS), Image.Resampling.BILINEAR)
        return cls(
            thumbnail=np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)),
            bits=np.diff(np.asarray(small, np.float32), axis=1) > _STEP,
        )

    def is_near(self, other: Look) -> bool:
        """Whether brightness and contrast explain all but a little of the difference."""
        a, b = (look.thumbnail.astype(np.float64) for look in (self, other))
        a, b = a - a.mean(), b - b.mean()
        spreads = a.std(), b.std()
        if min(spreads) < _CONTRAST:
            return False
        gain = float((a * b).sum() / (a * a).sum())
        rest = b - gain * a
        limit = min(spreads)
        return bool(
            _GAIN[0] <= gain <= _GAIN[1]
            and np.sqrt((rest**2).mean()) <= _ON_AVERAGE * limit
            and np.abs(rest).max() <= _AT_ONE_PLACE * limit
        )


def near_groups(looks: Mapping[int, Look]) -> list[tuple[int, ...]]:
    """Groups of two or more pictures, each near another of its group.

    Args:
        looks: by index of the picture.
    """
    group = {index: index for index in looks}

    def first(index: int) -> int:
        while group[index] != index:
            group[index] = index = group[group[index]]
        return index

    for one, other in _candidates(looks):
        a, b = first(one), first(other)
        if a != b and looks[one].is_near(looks[other]):
            group[max(a, b)] = min(a, b)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index in looks:
        members[first(index)].append(index)
    return [tuple(sorted(some)) for some in members.values() if len(some) > 1]


def _candidates(looks: Mapping[int, Look]) -> Iterator[tuple[int, int]]:
    """Pairs whose hashes differ in few bits."""
    telling = [index for index, look in looks.items() if look.bits.sum() >= _FEWEST]
    if not telling:
        return
    bits = np.stack([looks[index].bits for index in telling])
    bands = bits @ (1 << np.arange(_BITS))  # each row of a hash as a number
    order = np.lexsort(bands.T).tolist()  # like beside like
    for band in range(_BITS):
        same: defaultdict[int, list[int]] = defaultdict(list)
        for place in order:
            if bands[place, band]:
                same[int(bands[place, band])].append(place)
        for places in same.values():
            for rank, place in enumerate(places[:-1]):
                others = places[rank + 1 : rank + 1 + _NEIGHBOURS]
                apart = (bits[others] != bits[place]).sum((1, 2))
                for other in np.flatnonzero(apart <= _APART).tolist():
                    yield telling[place], telling[others[other]]
