"""What a run learns from, and what it is evaluated on."""

from __future__ import annotations

from collections.abc import Sequence

from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.request import TrainRequest
from yolosses.training.data import HELD_OUT_SPLITS, DetectionDataset, open_dataset, splits_of
from yolosses.training.run import Settings


def open_both(request: TrainRequest) -> tuple[DetectionDataset, DetectionDataset]:
    """What to learn from and what to evaluate on, with the same classes."""
    train_split, eval_split = splits_for(request)
    train_set = open_to_learn(request.data, train_split, None, strict=request.strict)
    return train_set, open_dataset(
        request.data, eval_split, class_names=train_set.class_names, strict=request.strict
    )


def open_to_learn(
    data: str, split: str, class_names: Sequence[str] | None, *, strict: bool
) -> DetectionDataset:
    """One split, numbered by ``class_names`` if they are given, of which there must be something to learn."""
    dataset = open_dataset(data, split, strict=strict, class_names=class_names)
    dataset.require_objects()
    return dataset


def open_for(
    settings: Settings, *, data: str | None = None, split: str | None = None, strict: bool = False
) -> DetectionDataset:
    """What a run is evaluated on, or other data with its classes."""
    data, split = data or settings.data, split or settings.eval_split
    return open_dataset(data, split, strict=strict, class_names=settings.class_names)


def splits_for(request: TrainRequest) -> tuple[str, str]:
    """What to learn from and what to evaluate on, where the request leaves it open."""
    there = splits_of(request.data)
    if len(there) == 1:  # the data set has no other split, so one is held out of it
        held_out = next(name for name in HELD_OUT_SPLITS if name != there[0])
        return request.train_split or "train", request.eval_split or held_out
    known = (name for name in ("train", "trainval") if name in there)
    train_split = request.train_split or next(known, "train")
    if request.eval_split is not None:
        return train_split, request.eval_split
    others = [name for name in ("val", "test") if name in there and name != train_split]
    if not others:
        raise CommandError(
            f"--eval-split: expected one of {', '.join(there)}; {request.data} has neither val nor test"
        )
    return train_split, others[0]
