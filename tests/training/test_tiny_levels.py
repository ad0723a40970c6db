"""The network with several scales: shapes, what it begins with, and what learns from what."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from yolosses.training.models import Emission, SmallLevels, TinyLevels, distance_start

POINTS = Emission(num_classes=3, box=distance_start(8), classes=0.02)
ANCHORS = Emission(num_classes=3, box=(0.0, 0.0, 0.0, 0.0), boxes_per_cell=3, objectness=0.05, classes=0.4)


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("bins", [2, 4, 5, 16, 32])
def test_distances_begin_with_the_mean_asked_for(bins: int) -> None:
    sides = torch.tensor(distance_start(bins, distance=1.5)).view(4, bins).softmax(1)
    means = (sides * torch.arange(bins)).sum(1)
    torch.testing.assert_close(means, torch.full((4,), min(1.5, (bins - 1) / 2)), rtol=1e-4, atol=1e-4)
    assert distance_start(1, distance=1.5) == (1.5,) * 4


@pytest.mark.parametrize("strides", [(8, 16, 32), (16,), (32,), (8, 16)])
def test_maps_of_every_size(strides: tuple[int, ...]) -> None:
    model = TinyLevels(dict.fromkeys(strides, ANCHORS)).eval()
    for height, width in ((64, 96), (128, 32)):
        maps = model(torch.zeros(2, 3, height, width))
        assert isinstance(maps, list)
        shapes = [tuple(level.shape) for level in maps]
        assert shapes == [(2, ANCHORS.channels, height // s, width // s) for s in strides]
    with pytest.raises(
        ValueError, match=r"images: expected height and width in multiples of 32; got 64 x 100"
    ):
        model(torch.zeros(1, 3, 64, 100))


def test_it_is_small() -> None:
    assert 1.4e6 < parameters(TinyLevels(dict.fromkeys((8, 16, 32), POINTS))) < 2.5e6


def test_small_costs_what_yolov8n_costs() -> None:
    """3.0 million parameters and 8.1 GFLOPs for 80 classes and pictures of 640 x 640, as its authors count them."""
    coco = Emission(num_classes=80, box=distance_start(16), classes=0.01)
    model = SmallLevels(dict.fromkeys((8, 16, 32), coco)).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, 320, 320))
    assert parameters(model) == pytest.approx(3.0e6, rel=0.05)
    assert 4 * counter.get_total_flops() == pytest.approx(8.1e9, rel=0.05)


def test_numbers_stand_box_by_box() -> None:
    """(K, 4 + objectness + C) of a location, each with its own start."""
    model = TinyLevels({16: ANCHORS}).eval()
    with torch.no_grad():
        (level,) = model(torch.rand(1, 3, 64, 64))
    by_box = level.view(1, 3, 8, 4, 4)
    assert by_box[:, :, :4].abs().max() < 1.0
    assert (by_box[:, :, 4].sigmoid() - 0.05).abs().max() < 0.05
    assert (by_box[:, :, 5:].sigmoid() - 0.4).abs().max() < 0.2


@pytest.mark.parametrize("network", [TinyLevels, SmallLevels])
@pytest.mark.parametrize("end_to_end", [False, True])
def test_every_parameter_learns(end_to_end: bool, network: type[TinyLevels]) -> None:
    model = network(dict.fromkeys((8, 16, 32), POINTS), end_to_end=end_to_end)
    maps = model(torch.rand(2, 3, 64, 64))
    parts = [level for name in maps for level in maps[name]] if isinstance(maps, dict) else maps
    sum((level.square().sum() for level in parts), torch.zeros(())).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_the_one_to_one_head_leaves_the_features_alone() -> None:
    model = TinyLevels(dict.fromkeys((8, 16, 32), POINTS), end_to_end=True)
    maps = model(torch.rand(2, 3, 64, 64))
    assert isinstance(maps, dict)
    total: Tensor = sum((level.square().sum() for level in maps["one2one"]), torch.zeros(()))
    total.backward()
    assert model.one2one is not None
    assert all(p.grad is not None for p in model.one2one.parameters())
    own = {id(p) for p in model.one2one.parameters()}
    assert all(p.grad is None for p in model.parameters() if id(p) not in own)


@pytest.mark.parametrize("strides", [(), (4,), (16, 64)])
def test_other_strides_are_refused(strides: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^emissions: expected strides out of \(8, 16, 32\); got \("):
        TinyLevels(dict.fromkeys(strides, POINTS))
