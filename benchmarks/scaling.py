"""How forward and backward of the losses grow with the objects of an image and with its size, to
``benchmarks/results/scaling.json`` and ``docs/images/scaling.png``.

.venv/bin/python benchmarks/scaling.py

Four images, 80 classes; up to 1,000 objects an image at 640 px, and pictures of 160 to 1,280 px with 20 objects. The
slope is that of the upper half of a curve in log-log: 1 is growth in proportion.
"""

import math
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from measuring import PAGE, conditions, load, publish, turn_by_turn
from step_time import Step, maps, scene

import yolosses as yl

matplotlib.use("Agg")
from matplotlib import pyplot as plt

IMAGES, CLASSES, REPEATS = 4, 80, 5
OBJECTS = (1, 3, 10, 30, 100, 300, 1000)
SIZES = (160, 320, 640, 1280)
STYLES = {
    "v1": "o-", "v5": "s--", "v8": "D-", "v10": "^-.", "YOLOX": "v:", "v1, loops": "o:", "v8, loops": "D:",
    "v10, loops": "^:",
}  # fmt: skip


def steps(objects: int, size: int) -> dict[str, Step]:
    """Every loss on output for pictures of ``size`` with so many objects."""
    targets = scene(IMAGES, objects, size=size, classes=CLASSES)
    one, many = (maps(64 + CLASSES, 64, seed, images=IMAGES, size=size) for seed in (1, 2))
    of_x, of_5 = (maps(c, c, images=IMAGES, size=size) for c in (5 + CLASSES, 3 * (5 + CLASSES)))
    grid = size // 64
    of_1 = torch.rand(IMAGES, grid, grid, 10 + CLASSES).requires_grad_()
    v1, v5, v8 = yl.YOLOv1Loss(grid=grid, num_classes=CLASSES), yl.YOLOv5Loss(), yl.YOLOv8Loss()
    v10, yolox = yl.YOLOv10Loss(), yl.YOLOXLoss()
    loops_1 = yl.YOLOv1Loss(grid=grid, num_classes=CLASSES, impl="numba")
    loops_8, loops_10 = yl.YOLOv8Loss(impl="numba"), yl.YOLOv10Loss(impl="numba")
    heads = {"one2one": one, "one2many": many}
    return {
        "v1": Step(lambda: v1(of_1, targets).total, [of_1]),
        "v5": Step(lambda: v5(of_5, targets).total, of_5),
        "v8": Step(lambda: v8(one, targets).total, one),
        "v10": Step(lambda: v10(heads, targets).total, one + many),
        "YOLOX": Step(lambda: yolox(of_x, targets).total, of_x),
        "v1, loops": Step(lambda: loops_1(of_1, targets).total, [of_1]),
        "v8, loops": Step(lambda: loops_8(one, targets).total, one),
        "v10, loops": Step(lambda: loops_10(heads, targets).total, one + many),
    }


def slope(x: list[int], y: list[float]) -> float:
    """Least squares over the last three points in log-log."""
    return round(float(np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0]), 2)


def draw(cases: dict[str, dict[str, Any]], path: Path) -> None:
    """Both sweeps, log-log, with a line of growth in proportion."""
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    labels = {"objects": "objects in each picture", "pixels": "predictors, from pictures of 160 to 1,280 px"}
    for axis, (sweep, case) in zip(axes, cases.items(), strict=True):
        for name, times in case["median_ms"].items():
            axis.loglog(
                case["x"], times, STYLES[name], color="black", lw=1.1, ms=4.5, mfc="white", label=name
            )
        low = min(times[0] for times in case["median_ms"].values())
        ends = np.array([case["x"][0], case["x"][-1]], float)
        guide = low / 2 * ends / ends[0]
        axis.loglog(ends, guide, color="0.75", lw=3, zorder=0, label="in proportion")
        axis.set(xlabel=labels[sweep])
    axes[0].set(ylabel="forward and backward, ms", ylim=(min(low / 2.5, 0.8), None))
    axes[0].legend(frameon=False, ncols=2, loc="upper left")
    figure.savefig(path, dpi=150)


def table(cases: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| loss | sweep | first | last | slope of the upper half |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for sweep, case in cases.items():
        for name, times in case["median_ms"].items():
            lines.append(
                f"| {name} | {sweep} | {times[0]:.1f} ms | {times[-1]:.1f} ms | {case['slope'][name]:.2f} |"
            )
    return "\n".join(lines) + "\n\n![Forward and backward against objects and size](../images/scaling.png)"


def main() -> None:
    torch.set_num_threads(2)
    before = load()
    sweeps = {
        "objects": [(objects, objects, 640) for objects in OBJECTS],
        "pixels": [(sum((size // stride) ** 2 for stride in (8, 16, 32)), 20, size) for size in SIZES],
    }
    cases: dict[str, dict[str, Any]] = {}
    for sweep, points in sweeps.items():
        rows = [turn_by_turn(steps(objects, size), REPEATS) for _, objects, size in points]
        x = [point[0] for point in points]
        medians = {name: [row[name]["median_ms"] for row in rows] for name in STYLES}
        if any(math.isnan(value) for times in medians.values() for value in times):
            raise SystemExit(f"{sweep}: a time is not a number")
        cases[sweep] = {
            "x": x, "median_ms": medians, "rows": rows,
            "slope": {name: slope(x, times) for name, times in medians.items()},
        }  # fmt: skip
        print(sweep, cases[sweep]["slope"], flush=True)
    draw(cases, PAGE.parents[1] / "images" / "scaling.png")
    publish("scaling", {**conditions(before, REPEATS), "images": IMAGES, "cases": cases}, table(cases))


if __name__ == "__main__":
    main()
