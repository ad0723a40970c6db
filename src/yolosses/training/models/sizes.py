"""Widths and depths of the networks for one grid and for several scales."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from yolosses.training.models.blocks import ConvBlock, SplitStage


@dataclass(frozen=True, kw_only=True)
class Size:
    """How wide and how deep a network is.

    Attributes:
        channels: of the features, by their stride: 4, 8, 16, 32.
        depths: residual pairs of the stage of each stride. Without one at stride 4 the picture is reduced in one large
            step: two small ones with a stage after them would take a third of a training step.
        necks: channels of each scale where there are several.
        neck: channels of the one scale of a network with a grid.
    """

    channels: dict[int, int]
    depths: dict[int, int]
    necks: dict[int, int]
    neck: int

    def stem(self) -> nn.Module:
        """From the picture to the features of stride 4."""
        if 4 not in self.depths:
            return ConvBlock(3, self.channels[4], kernel=8, stride=4)
        return nn.Sequential(
            ConvBlock(3, self.channels[4] // 2, stride=2),
            ConvBlock(self.channels[4] // 2, self.channels[4], stride=2),
            SplitStage(self.channels[4], self.depths[4]),
        )

    def stages(self, coarsest: int = 32) -> nn.ModuleDict:
        """From the features of one stride to those of the next, up to ``coarsest``."""
        return nn.ModuleDict(
            {
                str(stride): nn.Sequential(
                    ConvBlock(self.channels[stride // 2], self.channels[stride], stride=2),
                    SplitStage(self.channels[stride], depth),
                )
                for stride, depth in self.depths.items()
                if 4 < stride <= coarsest
            }
        )


TINY = Size(
    channels={4: 32, 8: 64, 16: 128, 32: 256}, depths={8: 1, 16: 2, 32: 1},
    necks={8: 48, 16: 64, 32: 96}, neck=128,
)  # fmt: skip
SMALL = Size(
    channels={4: 32, 8: 64, 16: 128, 32: 256}, depths={4: 1, 8: 2, 16: 2, 32: 1},
    necks={8: 80, 16: 112, 32: 192}, neck=256,
)  # fmt: skip
