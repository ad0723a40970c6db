"""Whether data are still what a run began with: counts and a digest of each split, kept beside the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from yolosses.training.data import DetectionDataset, Record
from yolosses.training.files import write_json


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """A split in short.

    Attributes:
        digest: over name, size, bytes of the file, boxes, labels and ignored regions of every picture.
    """

    pictures: int
    objects: int
    digest: str

    @classmethod
    def of(cls, dataset: DetectionDataset) -> Fingerprint:
        """Files are not read: a picture that was replaced shows if its size or its number of bytes did."""
        digest = hashlib.sha256()
        for record in dataset.records:
            digest.update(repr((record.name, record.image_size, _bytes(record))).encode())
            for values in (record.boxes, record.labels, record.ignore):
                digest.update(values.tobytes())
        return cls(
            pictures=len(dataset),
            objects=sum(len(record.labels) for record in dataset.records),
            digest=digest.hexdigest(),
        )

    def differs(self, now: Fingerprint) -> str | None:
        """In words, what is not as it was."""
        if self.pictures != now.pictures:
            return f"{self.pictures:,} pictures then, {now.pictures:,} now"
        if self.objects != now.objects:
            return f"{self.objects:,} objects then, {now.objects:,} now"
        if self.digest != now.digest:
            return "as many pictures and objects, but other files, sizes, boxes or labels"
        return None


def remember_data(file: Path, datasets: Sequence[DetectionDataset]) -> None:
    """Write the fingerprint of each split."""
    write_json(file, {dataset.split: asdict(Fingerprint.of(dataset)) for dataset in datasets})


def changes_of_data(file: Path, datasets: Sequence[DetectionDataset]) -> list[str]:
    """What differs from what `remember_data` wrote, a line for each split that does. A run from before there were
    fingerprints has no changes."""
    try:
        kept = {split: Fingerprint(**values) for split, values in json.loads(file.read_text("utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return []
    lines = []
    for dataset in datasets:
        change = kept[dataset.split].differs(Fingerprint.of(dataset)) if dataset.split in kept else None
        if change is not None:
            lines.append(f"{dataset.split}: {change}")
    return lines


def _bytes(record: Record) -> int:
    try:
        return record.path.stat().st_size if record.path is not None else 0
    except OSError:
        return -1
