"""A small detector that learns on two CPU cores in minutes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from yolosses.arguments import choice
from yolosses.training.models.blocks import ConvBlock, require_multiple, typical_roots
from yolosses.training.models.sizes import SMALL, TINY


class Branch(nn.Sequential):
    """A convolution of its own and a linear readout that begins at ``start``."""

    def __init__(self, inputs: int, start: Tensor) -> None:
        hidden = inputs // 2
        readout = nn.Conv2d(hidden, len(start), 1)
        with torch.no_grad():
            readout.weight.mul_(0.1)
        readout.bias = nn.Parameter(start.clone())
        super().__init__(ConvBlock(inputs, hidden), readout)


class Tiny(nn.Module):
    """Fully convolutional, 1.5 million parameters.

    Input (B, 3, H, W) with H, W multiples of 32; output (B, H / stride, W / stride, 5K+C), linear. The cells see
    three scales: their own, the finer one below (where edges are sharp) and the coarser one above (where context
    is). Centres, sizes and scores have a branch each: measured in cells and in pictures, an error of one pixel
    weighs hundreds of times more in term 1 than in term 2, and in a common last layer sizes would be learnt last.

    Args:
        stride: size of a cell in pixels: 8, 16 or 32.
        size_encoding: of the loss, `GridCodec.size_encoding`: the boxes begin with the same sizes in both.
    """

    STRIDES = (8, 16, 32)
    SIZE = TINY

    def __init__(
        self,
        *,
        num_classes: int,
        boxes_per_cell: int = 2,
        stride: int = 16,
        size_encoding: str = "sqrt",
    ) -> None:
        super().__init__()
        choice("size_encoding", size_encoding, ("sqrt", "linear"))
        if stride not in self.STRIDES:
            raise ValueError(f"stride: expected one of {self.STRIDES}; got {stride}")
        self.stride = stride
        self.boxes_per_cell = boxes_per_cell
        channels, neck = self.SIZE.channels, self.SIZE.neck
        self.stem = self.SIZE.stem()
        self.stages = self.SIZE.stages(min(2 * stride, 32))
        self.finer = ConvBlock(channels[stride // 2], neck, stride=2)
        self.own = ConvBlock(channels[stride], neck, 1)
        self.coarser = ConvBlock(channels[stride * 2], neck, 1) if stride < 32 else None
        self.join = ConvBlock(neck * (3 if self.coarser else 2), neck, 1)
        k = boxes_per_cell
        self.centres = Branch(neck, torch.full((2 * k,), 0.5))
        roots = typical_roots(k).repeat_interleave(2)
        self.sizes = Branch(neck, roots if size_encoding == "sqrt" else roots.square())
        self.scores = Branch(neck, torch.zeros(k + num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, H / stride, W / stride, 5K+C)."""
        require_multiple(images, 32)
        maps = {4: self.stem(images)}
        for stride, stage in self.stages.items():
            maps[int(stride)] = stage(maps[int(stride) // 2])
        parts = [self.finer(maps[self.stride // 2]), self.own(maps[self.stride])]
        if self.coarser is not None:
            parts.append(F.interpolate(self.coarser(maps[2 * self.stride]), scale_factor=2.0))
        seen = self.join(torch.cat(parts, 1))
        return self._by_cell(self.centres(seen), self.sizes(seen), self.scores(seen))

    def _by_cell(self, centres: Tensor, sizes: Tensor, scores: Tensor) -> Tensor:
        """The maps in the order of the "cell" layout: K x (x, y, w, h, confidence), then the classes."""
        k, (rows, cols) = self.boxes_per_cell, scores.shape[2:]
        pairs = (maps.reshape(-1, k, 2, rows, cols) for maps in (centres, sizes))
        boxes = torch.cat((*pairs, scores[:, :k, None]), 2)
        return torch.cat((boxes.flatten(1, 2), scores[:, k:]), 1).permute(0, 2, 3, 1)


class Small(Tiny):
    """`Tiny` with more layers, 2.4 million parameters: for an hour on a CPU, or for a GPU."""

    SIZE = SMALL
