"""A small detector that learns on two CPU cores in minutes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from yolosses.training.models.blocks import ConvBlock, require_multiple, start_at_typical_boxes


class SplitStage(nn.Module):
    """A cross-stage-partial stage: half of the channels pass residual pairs of convolutions, and all steps
    are joined at the end."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        half = channels // 2
        self.enter = ConvBlock(channels, channels, 1)
        self.steps = nn.ModuleList(
            nn.Sequential(ConvBlock(half, half), ConvBlock(half, half)) for _ in range(depth)
        )
        self.leave = ConvBlock(half * (depth + 2), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        parts = list(self.enter(x).chunk(2, 1))
        for step in self.steps:
            parts.append(parts[-1] + step(parts[-1]))
        output: Tensor = self.leave(torch.cat(parts, 1))
        return output


class Tiny(nn.Module):
    """Fully convolutional, 1.4 million parameters.

    Input (B, 3, H, W) with H, W multiples of 32; output (B, H / stride, W / stride, 5K+C), linear. The cells
    see three scales: their own, the finer one below (where edges are sharp) and the coarser one above (where
    context is).

    Args:
        stride: size of a cell in pixels: 8, 16 or 32.
    """

    STRIDES = (8, 16, 32)

    def __init__(self, *, num_classes: int, boxes_per_cell: int = 2, stride: int = 16) -> None:
        super().__init__()
        if stride not in self.STRIDES:
            raise ValueError(f"stride: expected one of {self.STRIDES}; got {stride}")
        self.stride = stride
        neck = 128
        self.stem = nn.Sequential(ConvBlock(3, 16, stride=2), ConvBlock(16, 32, stride=2), SplitStage(32, 1))
        self.stage8 = nn.Sequential(ConvBlock(32, 64, stride=2), SplitStage(64, 1))
        self.stage16 = nn.Sequential(ConvBlock(64, 128, stride=2), SplitStage(128, 2))
        self.stage32 = nn.Sequential(ConvBlock(128, 256, stride=2), SplitStage(256, 1))
        channels = {4: 32, 8: 64, 16: 128, 32: 256}
        self.finer = ConvBlock(channels[stride // 2], neck, stride=2)
        self.own = ConvBlock(channels[stride], neck, 1)
        self.coarser = ConvBlock(channels[stride * 2], neck, 1) if stride < 32 else None
        self.join = nn.Sequential(
            ConvBlock(neck * (3 if self.coarser else 2), neck, 1), ConvBlock(neck, neck)
        )
        self.head = nn.Conv2d(neck, 5 * boxes_per_cell + num_classes, 1)
        start_at_typical_boxes(self.head, boxes_per_cell)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, H / stride, W / stride, 5K+C)."""
        require_multiple(images, 32)
        maps = {4: self.stem(images)}
        for stride, stage in ((8, self.stage8), (16, self.stage16), (32, self.stage32)):
            maps[stride] = stage(maps[stride // 2])
        parts = [self.finer(maps[self.stride // 2]), self.own(maps[self.stride])]
        if self.coarser is not None:
            parts.append(F.interpolate(self.coarser(maps[2 * self.stride]), scale_factor=2.0))
        output: Tensor = self.head(self.join(torch.cat(parts, 1)))
        return output.permute(0, 2, 3, 1)
