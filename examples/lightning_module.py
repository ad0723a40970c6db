"""A LightningModule that logs every term of the loss, on one device or several.

pip install lightning==2.6.1 yolosses
python examples/lightning_module.py --devices 2
"""

import argparse

import lightning as L
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import yolosses as yl

SIZE, COLOURS = 64, torch.tensor([[0.9, 0.2, 0.2], [0.2, 0.3, 0.9]])  # class 0 is red, class 1 blue
PICTURES, BATCH, EPOCHS = 64, 16, 10  # a batch of all devices together


class Rectangles(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Pictures of up to two rectangles: image (3, SIZE, SIZE), boxes (n, 4) xyxy in pixels, labels (n,)."""

    def __len__(self) -> int:
        return PICTURES

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        random = torch.Generator().manual_seed(index)
        image = 0.5 + 0.1 * torch.randn(3, SIZE, SIZE, generator=random)
        count = index % 3
        low = torch.randint(0, SIZE - 32, (count, 2), generator=random)
        boxes = torch.cat((low, low + torch.randint(12, 32, (count, 2), generator=random)), 1)
        labels = torch.randint(0, len(COLOURS), (count,), generator=random)
        for (left, top, right, bottom), label in zip(boxes.tolist(), labels, strict=True):
            image[:, top:bottom, left:right] = COLOURS[label][:, None, None]
        return image, boxes.float(), labels


def collate(samples: list[tuple[Tensor, Tensor, Tensor]]) -> tuple[Tensor, yl.Targets]:
    images, boxes, labels = zip(*samples, strict=True)
    return torch.stack(images), yl.Targets.from_xyxy(boxes, labels, image_size=(SIZE, SIZE))


def halve(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 2, 1), nn.GroupNorm(4, outputs), nn.SiLU())


class Detector(L.LightningModule):
    """A tiny network of one level, of stride 8, with the loss of YOLOv8."""

    def __init__(self) -> None:
        super().__init__()
        self.loss_fn = yl.YOLOv8Loss(num_classes=len(COLOURS), strides=(8,))
        head = nn.Conv2d(64, self.loss_fn.channels, 1)
        nn.init.constant_(head.bias[-len(COLOURS) :], -4.6)  # a score of 0.01: most locations are background
        self.network = nn.Sequential(halve(3, 16), halve(16, 32), halve(32, 64), head)

    def training_step(self, batch: tuple[Tensor, yl.Targets], index: int) -> Tensor:
        images, targets = batch  # Lightning has moved both: `Targets` has a method `to`
        raw = [self.network(images)]
        assignment = self.loss_fn.assign(raw, targets)
        # DDP averages the gradients of the devices, so all must divide by the same number. On one device the
        # strategy's `reduce` gives back what it gets, and all this is `self.loss_fn(raw, targets)`.
        own = self.loss_fn.own_normalizer(assignment)
        total = self.trainer.strategy.reduce(own, reduce_op="sum")
        normalizer = self.loss_fn.shared_normalizer(total, self.trainer.world_size)
        output = self.loss_fn(raw, targets, assignment, normalizer)
        values = {"loss": output.total, **output.terms}
        self.log_dict(
            {f"train/{name}": value.detach() for name, value in values.items()},
            on_step=False, on_epoch=True, sync_dist=True, batch_size=len(targets),
        )  # fmt: skip
        return output.total

    def on_train_epoch_end(self) -> None:
        values = self.trainer.callback_metrics
        terms = (f" {name.removeprefix('train/')} {value:.4f}" for name, value in values.items())
        self.print(f"epoch {self.current_epoch + 1:2}", *terms)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=3e-3)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a tiny detector with Lightning.")
    parser.add_argument("--devices", type=int, default=1)
    devices = parser.parse_args().devices
    L.seed_everything(0, verbose=False)
    loader = DataLoader(Rectangles(), BATCH // devices, shuffle=True, collate_fn=collate)
    trainer = L.Trainer(
        max_epochs=EPOCHS, devices=devices, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Detector(), loader)


if __name__ == "__main__":
    main()
