"""Accelerate with mixed precision and gradient accumulation: several parts take the step of their whole batch.

pip install accelerate yolosses
accelerate launch --cpu --num_processes 2 examples/accelerate_loop.py
"""

import argparse

import torch
from accelerate import Accelerator
from accelerate.utils import GradientAccumulationPlugin
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import yolosses as yl

SIZE, COLOURS = 64, torch.tensor([[0.9, 0.2, 0.2], [0.2, 0.3, 0.9]])  # class 0 is red, class 1 blue
PICTURES, BATCH, EPOCHS = 64, 16, 10  # a batch of all processes and parts together


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


def tiny_detector(channels: int) -> nn.Module:
    head = nn.Conv2d(64, channels, 1)
    nn.init.constant_(head.bias[-len(COLOURS) :], -4.6)  # a score of 0.01: most locations are background
    return nn.Sequential(halve(3, 16), halve(16, 32), halve(32, 64), head)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a tiny detector with Accelerate.")
    parser.add_argument("--parts", type=int, default=4, help="parts that a batch is accumulated from")
    parser.add_argument("--precision", default="bf16", choices=("no", "fp16", "bf16"))
    options = parser.parse_args()
    # The parts of a batch are read before the first is used. So the end of the loader must not be a reason to step.
    plugin = GradientAccumulationPlugin(num_steps=options.parts, sync_with_dataloader=False)
    accelerator = Accelerator(mixed_precision=options.precision, gradient_accumulation_plugin=plugin)
    torch.manual_seed(0)

    loss_fn = yl.YOLOv8Loss(num_classes=len(COLOURS), strides=(8,)).to(accelerator.device)
    network = tiny_detector(loss_fn.channels)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    divisor = options.parts * accelerator.num_processes
    loader = DataLoader(Rectangles(), BATCH // divisor, shuffle=True, drop_last=True, collate_fn=collate)
    network, optimizer, loader = accelerator.prepare(network, optimizer, loader)

    for epoch in range(EPOCHS):
        values = []
        for parts in zip(*[iter(loader)] * options.parts, strict=False):
            # Accelerate averages the gradients of parts and processes. With one normaliser for all of them that is
            # the gradient of the whole batch, up to rounding, unless the network looks at other images, as batch
            # normalisation does. Without it, as `loss_fn([network(images)], targets)`, each part divides by its own
            # objects: that trains too, but is not exact, an object counts for more in a part that has few. The losses
            # of YOLOv1 to v4 divide by the number of images: with equal parts they are exact without these lines.
            with torch.no_grad():
                assignments = [loss_fn.assign([network(images)], targets) for images, targets in parts]
            own = torch.stack([loss_fn.own_normalizer(assignment) for assignment in assignments]).sum()
            normalizer = loss_fn.shared_normalizer(accelerator.reduce(own, "sum"), divisor)
            for (images, targets), assignment in zip(parts, assignments, strict=True):
                with accelerator.accumulate(network):
                    output = loss_fn([network(images)], targets, assignment, normalizer)
                    accelerator.backward(output.total)
                    optimizer.step()
                    optimizer.zero_grad()
                values.append(torch.stack((output.total, *output.terms.values())).detach())
        means = accelerator.reduce(torch.stack(values).mean(0), "mean").tolist()
        named = zip(("loss", *output.terms), means, strict=True)
        accelerator.print(f"epoch {epoch + 1:2}", *(f" {name} {value:.4f}" for name, value in named))
    accelerator.end_training()


if __name__ == "__main__":
    main()
