"""Pieces that the networks share."""

import torch
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    """Convolution that keeps the size (or divides it by ``stride``), batch normalisation, leaky ReLU of slope
    0.1."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, (kernel - stride + 1) // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.1, inplace=True),
        )


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


class ConnectedHead(nn.Sequential):
    """The paper's fully connected layers: features -> hidden units (leaky ReLU, dropout .5) -> (B, rows,
    cols, channels), linear.

    Every cell sees the whole picture, so the picture's size is fixed and the grid is free.
    """

    def __init__(
        self,
        features: int,
        hidden: tuple[int, ...],
        *,
        grid: tuple[int, int],
        boxes_per_cell: int,
        num_classes: int,
    ) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        for units in hidden:
            layers += [nn.Linear(features, units), nn.LeakyReLU(0.1, inplace=True)]
            features = units
        channels = 5 * boxes_per_cell + num_classes
        last = nn.Linear(features, grid[0] * grid[1] * channels)
        start_at_typical_boxes(last, boxes_per_cell, grid[0] * grid[1])
        super().__init__(*layers, nn.Dropout(0.5), last, nn.Unflatten(1, (*grid, channels)))


@torch.no_grad()
def start_at_typical_boxes(layer: nn.Conv2d | nn.Linear, boxes_per_cell: int, cells: int = 1) -> None:
    """Let a linear last layer begin with boxes in the middle of their cells, from small to large, and all
    scores 0.

    With outputs near 0 instead, no box has an area or overlaps anything, and box 0 of each cell is responsible for
    every object until that changes. Different sizes are meant to let the boxes of a cell share the objects out
    from the start; what that is worth in scores has not been measured by itself.
    """
    assert layer.bias is not None
    layer.weight.mul_(0.1)
    layer.bias.zero_()
    boxes = layer.bias.view(cells, -1)[:, : 5 * boxes_per_cell].view(cells, boxes_per_cell, 5)
    boxes[..., :2] = 0.5
    boxes[..., 2:4] = typical_roots(boxes_per_cell)[:, None]


def typical_roots(boxes_per_cell: int) -> Tensor:
    """(K,) roots of the widths and heights that boxes begin with: 1/3 of the picture's for one box, 2/9 and
    4/9 for two.
    """
    return 2 / 3 * torch.arange(1, boxes_per_cell + 1) / (boxes_per_cell + 1)


def require_multiple(images: Tensor, stride: int) -> None:
    """Raise ``ValueError`` unless the height and width of ``images`` (B, 3, H, W) are multiples of
    ``stride``."""
    height, width = images.shape[-2:]
    if height % stride or width % stride:
        raise ValueError(
            f"images: expected height and width in multiples of {stride}; got {height} x {width}"
        )
