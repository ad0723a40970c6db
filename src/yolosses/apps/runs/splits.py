"""What a run learns from, and what it is evaluated on."""

from __future__ import annotations

from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.labels import open_split, open_to_learn
from yolosses.apps.runs.request import TrainRequest
from yolosses.training.data import HELD_OUT_SPLITS, DetectionDataset, splits_of


def open_both(request: TrainRequest) -> tuple[DetectionDataset, DetectionDataset]:
    """What to learn from and what to evaluate on, with the same classes."""
    train_split, eval_split = splits_for(request)
    train_set = open_to_learn(request.data, train_split, None, strict=request.strict)
    return train_set, open_split(request.data, eval_split, train_set.class_names, strict=request.strict)


def splits_for(request: TrainRequest) -> tuple[str, str]:
    """What to learn from and what to evaluate on, where the request leaves it open."""
    there = splits_of(request.data)
    if len(there) == 1:  # the data set has no other split, so one is held out of it
        held_out = next(name for name in HELD_OUT_SPLITS if name != there[0])
        return request.train_split or "train", request.eval_split or held_out
    train_split = request.train_split or next(
        (name for name in ("train", "trainval") if name in there), "train"
    )
    if request.eval_split is not None:
        return train_split, request.eval_split
    others = [name for name in ("val", "test") if name in there and name != train_split]
    if not others:
        raise CommandError(
            f"--eval-split: expected one of {', '.join(there)}; {request.data} has neither val nor test"
        )
    return train_split, others[0]
