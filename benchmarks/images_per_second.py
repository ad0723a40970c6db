"""Whether pictures arrive as fast as a network learns from them, to ``benchmarks/results/images-per-second.json``.

.venv/bin/python benchmarks/images_per_second.py

Pictures a second of reading and augmenting alone, of training steps on one batch that is held, and of both together as
``yolosses train`` has them: prepared when they are asked for, since the network computes on the same cores. On a few
cores both together cannot be faster than 1 / (1 / loading + 1 / learning).
"""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from measuring import conditions, load, publish

import yolosses as yl
from yolosses.training.data import Augmentation, Batch, Batches, DetectionDataset, open_dataset
from yolosses.training.models import Tiny

BCCD = Path(__file__).parents[2] / "shared" / "data" / "bccd"
SECONDS, BATCH, SIZE, ROUNDS = 6.0, 16, 224, 3


def pace(steps: Iterator[int]) -> float:
    """Pictures a second of so many seconds, after a first step that warms up."""
    next(steps)
    start, pictures = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        pictures += next(steps)
    return pictures / (time.perf_counter() - start)


def endless(batches: Batches) -> Iterator[Batch]:
    for epoch in itertools.count():
        yield from batches.epoch(epoch)


def measure(name: str, dataset: DetectionDataset, augmentation: Augmentation | None) -> dict[str, Any]:
    """The three paces, turn by turn, and their medians."""
    batches = Batches(
        dataset, batch_size=BATCH, image_size=(SIZE, SIZE), augmentation=augmentation, shuffle=True,
        drop_last=True,
    )  # fmt: skip
    model, loss = (
        Tiny(num_classes=len(dataset.class_names)),
        yl.YOLOv1Loss(grid=SIZE // 16, num_classes=len(dataset.class_names)),
    )
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4)
    held = next(endless(batches))

    def learn(batch: Batch) -> int:
        optimizer.zero_grad()
        loss(model(batch.images), batch.targets).total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return len(batch.images)

    paces: dict[str, list[float]] = {"loading": [], "learning": [], "both": []}
    for _ in range(ROUNDS):
        paces["loading"].append(pace(len(batch.images) for batch in endless(batches)))
        paces["learning"].append(pace(learn(held) for _ in itertools.count()))
        paces["both"].append(pace(learn(batch) for batch in endless(batches)))
    medians = {what: round(sorted(values)[ROUNDS // 2], 1) for what, values in paces.items()}
    print(name, medians, flush=True)
    return {"data": name, "pixels": SIZE, "batch": BATCH, **medians}


def table(cases: list[dict[str, Any]]) -> str:
    lines = ["| data | loading | learning | both | learning / both |", "| --- | ---: | ---: | ---: | ---: |"]
    lines += [
        f"| {row['data']} | {row['loading']:.0f} | {row['learning']:.0f} | {row['both']:.0f} "
        f"| {row['learning'] / row['both']:.2f} |"
        for row in cases
    ]
    return "\n".join(lines)


def main() -> None:
    torch.set_num_threads(2)
    before = load()
    cases = [measure("digits", open_dataset("digits", "train", strict=False), None)]
    if BCCD.is_dir():  # pictures that are not part of a clone
        cases.append(measure("BCCD", open_dataset(str(BCCD), "trainval", strict=False), Augmentation()))
    publish("images-per-second", {**conditions(before, ROUNDS), "cases": cases}, table(cases))


if __name__ == "__main__":
    main()
