"""Plain DistributedDataParallel: N processes take the steps of one, because all divide by the same normaliser.

torchrun --standalone --nproc-per-node 2 examples/plain_ddp.py
"""

import gc
import os

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset, DistributedSampler

import yolosses as yl

SIZE, COLOURS = 64, torch.tensor([[0.9, 0.2, 0.2], [0.2, 0.3, 0.9]])  # class 0 is red, class 1 blue
PICTURES, BATCH, EPOCHS = 64, 16, 10  # a batch of all processes together


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


class TinyDetector(nn.Module):
    """Two levels, of stride 8 and 16. Group normalisation does not look at other images, so processes change nothing;
    for batch normalisation see `torch.nn.SyncBatchNorm`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fine = nn.Sequential(self.halve(3, 16), self.halve(16, 32), self.halve(32, 64))
        self.coarse = self.halve(64, 64)
        self.heads = nn.ModuleList(nn.Conv2d(64, channels, 1) for _ in range(2))
        for head in self.heads:  # a score of 0.01 for each class: most locations are background
            nn.init.constant_(head.bias[-len(COLOURS) :], -4.6)

    def halve(self, inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 2, 1), nn.GroupNorm(4, outputs), nn.SiLU())

    def forward(self, images: Tensor) -> list[Tensor]:
        fine = self.fine(images)
        return [head(level) for head, level in zip(self.heads, (fine, self.coarse(fine)), strict=True)]


def distributed_loss(loss_fn: yl.YOLOv8Loss, raw: list[Tensor], targets: yl.Targets) -> yl.LossOutput:
    """The loss of this process; the mean over the processes is the loss of their whole batch."""
    assignment = loss_fn.assign(raw, targets)
    total = loss_fn.own_normalizer(assignment)
    dist.all_reduce(total)  # the sum over the processes
    return loss_fn(raw, targets, assignment, loss_fn.shared_normalizer(total, dist.get_world_size()))


def train() -> None:
    on_gpu = torch.cuda.is_available()
    dist.init_process_group("nccl" if on_gpu else "gloo")
    processes = dist.get_world_size()
    device = torch.device("cpu")
    if on_gpu:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    torch.manual_seed(0)

    loss_fn = yl.YOLOv8Loss(num_classes=len(COLOURS), strides=(8, 16)).to(device)
    network = DistributedDataParallel(TinyDetector(loss_fn.channels).to(device))
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    data = Rectangles()
    sampler = DistributedSampler(data, shuffle=True, seed=0)
    loader = DataLoader(data, BATCH // processes, sampler=sampler, collate_fn=collate)

    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        values = []
        for images, targets in loader:
            output = distributed_loss(loss_fn, network(images.to(device)), targets.to(device))
            optimizer.zero_grad()
            output.total.backward()  # DDP averages the gradients
            optimizer.step()
            values.append(torch.stack((output.total, *output.terms.values())).detach())
        means = torch.stack(values).mean(0) / processes
        dist.all_reduce(means)
        if dist.get_rank() == 0:
            named = zip(("loss", *output.terms), means.tolist(), strict=True)
            print(f"epoch {epoch + 1:2}", *(f" {name} {value:.4f}" for name, value in named), flush=True)


if __name__ == "__main__":
    train()
    gc.collect()  # DDP keeps the processes connected; where it outlives them, some runs abort at their end
    dist.destroy_process_group()
