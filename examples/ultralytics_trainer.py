"""`YOLOv8Loss` inside Ultralytics' own trainer, beside the original loss: the same weights, pictures and steps.

pip install ultralytics==8.4.190 yolosses
python examples/ultralytics_trainer.py
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import LOGGER

import yolosses as yl

SIZE, PICTURES, BATCH, EPOCHS = 96, 32, 8, 10
TERMS = ("box", "cls", "dfl")
COLOURS = {"red": (230, 50, 50), "blue": (50, 80, 230)}


class Criterion:
    """What the trainer calls: it wants the terms times the number of images, with their gradient, and for its table
    the terms themselves."""

    def __init__(self, model: DetectionModel) -> None:
        head, gains = model.model[-1], model.args
        self.loss_fn = yl.YOLOv8Loss(
            num_classes=head.nc, bins=head.reg_max, strides=head.stride.tolist(),
            lambda_box=gains.box, lambda_cls=gains.cls, lambda_dfl=gains.dfl,
        )  # fmt: skip

    def __call__(self, preds: Any, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        raw = preds[1] if isinstance(preds, tuple) else preds  # in validation: (decoded, raw)
        targets = yl.Targets.from_batch(batch).to(raw["scores"].device)
        terms = self.loss_fn(raw, targets).terms
        items = {f"{name}_loss": value.detach() for name, value in terms.items()}
        return torch.stack(list(terms.values())) * len(targets), items


class OurModel(DetectionModel):
    def init_criterion(self) -> Criterion:
        return Criterion(self)


class OurTrainer(DetectionTrainer):
    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> DetectionModel:
        model = OurModel(cfg, nc=self.data["nc"], verbose=verbose)
        if weights:
            model.load(weights)
        return model


def draw(folder: Path) -> Path:
    """A data set in YOLO layout: pictures of one to three rectangles. Returns its yaml."""
    random = np.random.default_rng(0)
    for part in ("images", "labels"):
        (folder / part).mkdir()
    for index in range(PICTURES):
        picture = random.normal(128, 20, (SIZE, SIZE, 3)).clip(0, 255).astype(np.uint8)
        rows = []
        for _ in range(1 + index % 3):
            label, left, top = random.integers((2, 48, 48))
            width, height = random.integers(16, 48, 2)
            picture[top : top + height, left : left + width] = list(COLOURS.values())[label]
            centre = np.array([left + width / 2, top + height / 2, width, height]) / SIZE
            rows.append(f"{label} " + " ".join(f"{number:.6f}" for number in centre))
        Image.fromarray(picture).save(folder / f"images/{index:02}.png")
        (folder / f"labels/{index:02}.txt").write_text("\n".join(rows))
    yaml = folder / "rectangles.yaml"
    yaml.write_text(f"path: {folder}\ntrain: images\nval: images\nnames: {list(COLOURS)}\n")
    return yaml


def curve(trainer_class: type[DetectionTrainer], data: Path) -> np.ndarray:
    """Train; the loss and its terms of every step, (steps, 1 + terms)."""
    steps: list[list[float]] = []
    options = {
        "model": "yolov8n.yaml", "data": str(data), "project": str(data.parent), "imgsz": SIZE, "batch": BATCH,
        "epochs": EPOCHS, "seed": 0, "device": "cpu", "workers": 0, "val": False, "plots": False, "verbose": False,
    }  # fmt: skip
    trainer = trainer_class(overrides=options)
    trainer.add_callback(
        "on_train_batch_end",
        lambda trainer: steps.append([float(trainer.loss_items[f"{name}_loss"]) for name in TERMS]),
    )
    trainer.train()
    terms = np.array(steps)
    return np.concatenate((terms.sum(1, keepdims=True), terms), 1)


def main() -> None:
    LOGGER.setLevel("WARNING")
    with tempfile.TemporaryDirectory() as folder:
        data = draw(Path(folder))
        curves = np.stack([curve(trainer, data) for trainer in (DetectionTrainer, OurTrainer)], 2)
    print(" " * 8, *(f"{name:>18}" for name in ("loss", *TERMS)))
    print(" " * 8, *("  original yolosses" for _ in curves[0]))
    steps = {f"step {number}": curves[number - 1] for number in range(1, 6)}
    epochs = {f"epoch {number}": part.mean(0) for number, part in enumerate(np.split(curves, EPOCHS), 1)}
    for when, values in (steps | epochs).items():
        print(f"{when:8}", *(f"{original:9.4f} {ours:8.4f}" for original, ours in values))
    difference = np.max(abs(curves[:5, :, 1] / curves[:5, :, 0] - 1))
    print(f"largest difference in five steps: {difference:.0e} of the value")


if __name__ == "__main__":
    main()
