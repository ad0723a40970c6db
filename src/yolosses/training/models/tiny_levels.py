"""`Tiny` with several scales, for the losses from YOLOv2 on."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from yolosses.training.models.blocks import ConvBlock, SplitStage, require_multiple
from yolosses.training.models.heads import Emission, LevelHead
from yolosses.training.models.sizes import SMALL, TINY

Maps = list[Tensor]


class TinyLevels(nn.Module):
    """Fully convolutional, 1.6 million parameters: the blocks of `Tiny`, a neck that carries context down to the
    fine scales and edges up to the coarse ones, and a head for each scale.

    Input (B, 3, H, W) with H, W multiples of 32; output a list of maps (B, `Emission.channels`, H / stride, W / stride)
    from fine to coarse, linear. With ``end_to_end`` (YOLOv10) a dictionary of two such lists, "one2many" and
    "one2one", from heads of their own; those of "one2one" read the features without changing them.

    Args:
        emissions: what each scale emits, by stride: 8, 16, 32 or some of them.
        end_to_end: two heads a scale.
    """

    STRIDES = (8, 16, 32)
    SIZE = TINY

    def __init__(self, emissions: Mapping[int, Emission], *, end_to_end: bool = False) -> None:
        super().__init__()
        if not emissions or not set(emissions) <= set(self.STRIDES):
            raise ValueError(f"emissions: expected strides out of {self.STRIDES}; got {tuple(emissions)}")
        channels, necks = self.SIZE.channels, self.SIZE.necks
        self.stem = self.SIZE.stem()
        self.stages = self.SIZE.stages()
        self.enter = nn.ModuleDict({str(s): ConvBlock(channels[s], necks[s], 1) for s in self.STRIDES})
        self.down = nn.ModuleDict({str(s): _join(necks[s] + necks[2 * s], necks[s]) for s in (8, 16)})
        rising = [s for s in (16, 32) if s <= max(emissions)]
        self.shrink = nn.ModuleDict(
            {str(s): ConvBlock(necks[s // 2], necks[s // 2], stride=2) for s in rising}
        )
        self.up = nn.ModuleDict({str(s): _join(necks[s // 2] + necks[s], necks[s]) for s in rising})
        self.heads = nn.ModuleDict({str(s): LevelHead(necks[s], e) for s, e in sorted(emissions.items())})
        self.one2one = (
            nn.ModuleDict({str(s): LevelHead(necks[s], e) for s, e in sorted(emissions.items())})
            if end_to_end
            else None
        )

    def forward(self, images: Tensor) -> Maps | dict[str, Maps]:
        """(B, 3, H, W) -> the maps of each scale."""
        require_multiple(images, 32)
        features = self._neck(self._stages(images))
        maps = [head(features[int(stride)]) for stride, head in self.heads.items()]
        if self.one2one is None:
            return maps
        alone = [head(features[int(stride)].detach()) for stride, head in self.one2one.items()]
        return {"one2many": maps, "one2one": alone}

    def _stages(self, images: Tensor) -> dict[int, Tensor]:
        maps, x = {}, self.stem(images)
        for stride, stage in self.stages.items():
            maps[int(stride)] = x = stage(x)
        return maps

    def _neck(self, maps: dict[int, Tensor]) -> dict[int, Tensor]:
        seen = {stride: enter(maps[stride]) for stride, enter in ((s, self.enter[str(s)]) for s in maps)}
        for stride in (16, 8):
            above = F.interpolate(seen[2 * stride], scale_factor=2.0)
            seen[stride] = self.down[str(stride)](torch.cat((seen[stride], above), 1))
        for name, join in self.up.items():
            below = self.shrink[name](seen[int(name) // 2])
            seen[int(name)] = join(torch.cat((below, seen[int(name)]), 1))
        return seen


class SmallLevels(TinyLevels):
    """`TinyLevels` with more layers, 3.0 million parameters: for an hour on a CPU, or for a GPU."""

    SIZE = SMALL


def _join(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(ConvBlock(inputs, outputs, 1), SplitStage(outputs, 1))
