"""The paper's network: 24 convolutions and two fully connected layers."""

from torch import Tensor, nn

from yolosses.training.models.blocks import ConnectedHead, ConvBlock


class YOLOv1(nn.Module):
    """Redmon et al. 2016, figure 3, with batch normalisation in the convolutions, as the author's later
    configurations have it.

    Input (B, 3, H, W) of the size given here, multiples of 64 (the paper: 448 x 448); output (B, rows, cols,
    5K+C), linear. 272 million parameters at the defaults: for GPUs.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        grid: tuple[int, int] = (7, 7),
        boxes_per_cell: int = 2,
        image_size: tuple[int, int] = (448, 448),
    ) -> None:
        super().__init__()
        pool = nn.MaxPool2d(2)
        self.features = nn.Sequential(
            ConvBlock(3, 64, 7, stride=2),
            pool,
            ConvBlock(64, 192),
            pool,
            *(ConvBlock(192, 128, 1), ConvBlock(128, 256), ConvBlock(256, 256, 1), ConvBlock(256, 512)),
            pool,
            *(block for _ in range(4) for block in (ConvBlock(512, 256, 1), ConvBlock(256, 512))),
            *(ConvBlock(512, 512, 1), ConvBlock(512, 1024)),
            pool,
            *(block for _ in range(2) for block in (ConvBlock(1024, 512, 1), ConvBlock(512, 1024))),
            *(ConvBlock(1024, 1024), ConvBlock(1024, 1024, stride=2)),
            *(ConvBlock(1024, 1024), ConvBlock(1024, 1024)),
        )
        features = 1024 * (image_size[0] // 64) * (image_size[1] // 64)
        self.head = ConnectedHead(
            features, (4096,), grid=grid, boxes_per_cell=boxes_per_cell, num_classes=num_classes
        )

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, rows, cols, 5K+C)."""
        output: Tensor = self.head(self.features(images))
        return output
