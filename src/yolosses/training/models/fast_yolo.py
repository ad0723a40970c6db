"""The paper's Fast YOLO: 9 convolutions with fewer filters."""

from itertools import pairwise

from torch import Tensor, nn

from yolosses.training.models.blocks import ConnectedHead, ConvBlock


class FastYOLO(nn.Module):
    """Fast YOLO (Redmon et al. 2016, section 2.1), with the filters of the author's configuration and batch
    normalisation.

    Input (B, 3, H, W) of the size given here, multiples of 64 (the paper: 448 x 448); output (B, rows, cols,
    5K+C), linear.
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
        widths = (3, 16, 32, 64, 128, 256, 512)
        self.features = nn.Sequential(
            *(
                layer
                for inputs, outputs in pairwise(widths)
                for layer in (ConvBlock(inputs, outputs), nn.MaxPool2d(2))
            ),
            *(ConvBlock(512, 1024), ConvBlock(1024, 1024), ConvBlock(1024, 1024)),
        )
        features = 1024 * (image_size[0] // 64) * (image_size[1] // 64)
        self.head = ConnectedHead(
            features, (256, 4096), grid=grid, boxes_per_cell=boxes_per_cell, num_classes=num_classes
        )

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, rows, cols, 5K+C)."""
        output: Tensor = self.head(self.features(images))
        return output
