"""The loop, its budget and its checkpoints: a run that is stopped and resumed ends where it would have ended."""

import json
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.shapes import shapes
from torch import Tensor, nn

from yolosses import LossOutput, Targets, YOLOv1Loss
from yolosses.training.average import averaged
from yolosses.training.checkpoints import load_training, load_weights, save_training, save_weights
from yolosses.training.data import Augmentation, Batch, Batches, DataError
from yolosses.training.loop import Budget, Loss, NonFiniteLossError, Training
from yolosses.training.models import Tiny
from yolosses.training.optimizers import adamw, sgd
from yolosses.training.schedule import paper, warmup_cosine


def make_training(*, epochs: int = 2, loss: Loss | None = None, learning_rate: float = 1e-3) -> Training:
    torch.manual_seed(0)
    model = Tiny(num_classes=2, stride=16)
    return Training(
        model=model,
        loss=loss or YOLOv1Loss(grid=4, num_classes=2),
        batches=Batches(shapes(10), batch_size=4, image_size=(64, 64), shuffle=True, seed=1, drop_last=True),
        optimizer=adamw(model, learning_rate),
        average=averaged(model),
        schedule=warmup_cosine,
        budget=Budget(epochs=epochs),
        device=torch.device("cpu"),
    )


def test_a_resumed_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = make_training()
    records = list(whole.steps())

    first = make_training()
    steps = first.steps()
    half = [next(steps) for _ in range(3)]  # in the middle of the second epoch
    save_training(tmp_path / "last.pt", first)
    steps.close()
    second = make_training()
    load_training(tmp_path / "last.pt", second)
    rest = list(second.steps())

    assert [r.step for r in half + rest] == [r.step for r in records] == [1, 2, 3, 4]
    assert [r.total for r in half + rest] == pytest.approx([r.total for r in records], rel=1e-6)
    for name, weights in whole.average.module.state_dict().items():
        torch.testing.assert_close(second.average.module.state_dict()[name], weights, rtol=1e-5, atol=1e-7)


def test_a_record_is_consistent_and_becomes_json() -> None:
    for record in make_training(epochs=1).steps():
        assert sum(record.terms.values()) == pytest.approx(record.total, rel=1e-6)
        assert record.terms["xy"] == pytest.approx(5 * record.unweighted["xy"], rel=1e-6)
        assert record.terms["noobj"] == pytest.approx(0.5 * record.unweighted["noobj"], rel=1e-6)
        assert record.images == 4 * record.step
        assert record.gradient_norm > 0
        assert json.loads(json.dumps(record.to_json()))["terms"] == record.terms


def test_training_makes_the_loss_smaller() -> None:
    totals = [record.total for record in make_training(epochs=20).steps()]
    assert np.mean(totals[-4:]) < 0.5 * np.mean(totals[:4])


def test_a_run_in_parts_ends_with_the_same_weights_and_its_clock_stands_still_between() -> None:
    whole, parts = make_training(), make_training()
    records = list(whole.steps())
    done = []
    for until in (0.25, 0.5, 0.6, 0.6, 1.0):
        done += list(parts.steps(until=until))
        assert parts.progress >= until
        seconds = parts.place.seconds
        time.sleep(0.05)
        assert parts.place.seconds == seconds
    assert [(r.step, r.epoch, r.images) for r in done] == [(r.step, r.epoch, r.images) for r in records]
    assert [r.total for r in done] == pytest.approx([r.total for r in records], rel=1e-6)
    assert list(parts.steps()) == []


def test_what_a_loss_changes_in_the_course_of_a_run_depends_on_the_progress_alone() -> None:
    seen: list[float] = []
    training = make_training()
    training.before_step = seen.append
    first = list(training.steps(until=0.5))
    assert seen == [0.0, 0.25]
    assert len(first) == 2
    list(training.steps())
    assert seen == [0.0, 0.25, 0.5, 0.75]


def test_the_average_follows_the_weights() -> None:
    training = make_training(epochs=1)
    list(training.steps())
    pairs = zip(training.average.module.parameters(), training.model.parameters(), strict=True)
    assert 0 < max(float((a - b).abs().max().detach()) for a, b in pairs) < 0.1
    counts = [b for n, b in training.average.module.named_buffers() if n.endswith("num_batches_tracked")]
    assert all(int(count) == 2 for count in counts)


def test_a_loss_that_is_not_finite_stops_before_the_weights_change() -> None:
    inner = YOLOv1Loss(grid=4, num_classes=2)
    calls = 0

    def broken(raw: Tensor, targets: Targets) -> LossOutput:
        nonlocal calls
        calls += 1
        if calls == 2:
            raw = raw.clone()
            raw[0, 0, 0, 4] = math.nan  # the first confidence
        return inner(raw, targets)

    training = make_training(loss=broken)
    steps = training.steps()
    next(steps)
    before = [p.detach().clone() for p in training.model.parameters()]
    with pytest.raises(NonFiniteLossError, match=r"step 2: term .*noobj.* pictures .*shape-0\d"):
        next(steps)
    assert all(torch.equal(a, b) for a, b in zip(before, training.model.parameters(), strict=True))


def test_the_message_names_the_number_and_the_batch_is_kept_for_replay(tmp_path: Path) -> None:
    training = make_training()
    last = training.model.centres[1]
    with torch.no_grad():
        last.bias[1::2] = math.nan  # every y
    with pytest.raises(NonFiniteLossError) as caught:
        next(training.steps())
    assert "the loss is not finite at step 1: term xy: raw[" in str(caught.value)
    assert "] is nan (and 127 more), shape-0" in str(caught.value)
    assert re.search(r"cell \(\d,\d\) box \d, y, object \d \(", str(caught.value))
    torch.save(caught.value.replay, tmp_path / "nonfinite.pt")
    replay = torch.load(tmp_path / "nonfinite.pt", weights_only=True)
    targets = Targets(boxes=replay["boxes"], labels=replay["labels"], mask=replay["mask"])
    assert replay["images"].shape == (4, 3, 64, 64)
    assert replay["step"] == 1
    assert [name[:6] for name in replay["names"]] == ["shape-"] * 4
    assert not YOLOv1Loss(grid=4, num_classes=2)(replay["raw"], targets).total.isfinite()


def test_a_gradient_that_is_not_finite_stops_before_the_weights_change() -> None:
    def rooted(pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).abs().sqrt()  # its slope at 0 is infinite

    training = make_training(loss=YOLOv1Loss(grid=4, num_classes=2, noobj_penalty=rooted))
    with torch.no_grad():
        training.model.scores[1].weight.zero_()
        training.model.scores[1].bias.zero_()
    before = [p.detach().clone() for p in training.model.parameters()]
    with pytest.raises(NonFiniteLossError, match=r"the gradient is not finite at step 1: gradient\["):
        next(training.steps())
    assert all(torch.equal(a, b) for a, b in zip(before, training.model.parameters(), strict=True))


def test_from_settle_at_on_pictures_keep_their_place_and_size() -> None:
    training = make_training(epochs=4)
    training.settle_at = 0.5
    training.batches.augmentation = Augmentation()
    seen: list[tuple[bool, bool]] = []
    epoch = training.batches.epoch

    def watched(number: int, *, first: int = 0, settled: bool = False) -> Iterator[Batch]:
        for batch in epoch(number, first=first, settled=settled):
            plain = [
                abs(g.x.target[1] - g.x.target[0]) == 64
                and g.x.source[1] - g.x.source[0] == g.x.source_length
                for g in batch.geometries
            ]
            seen.append((settled, all(plain)))
            yield batch

    training.batches.epoch = watched  # type: ignore[method-assign]
    list(training.steps())
    assert seen == [(False, False)] * 4 + [(True, True)] * 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected exactly one"),
        ({"epochs": 1, "minutes": 1.0}, "expected exactly one"),
        ({"epochs": 0}, "epochs: expected a number > 0; got 0"),
        ({"minutes": -1.0}, "minutes: expected a number > 0"),
        ({"minutes": math.nan}, "minutes: expected a number > 0"),
    ],
)
def test_wrong_budgets_are_named(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Budget(**arguments)  # type: ignore[arg-type]


def test_minutes_end_a_run() -> None:
    training = make_training()
    training.budget = Budget(minutes=0.5 / 60)
    records = list(training.steps())
    assert records[-1].seconds >= 0.5 > (records[-2].seconds if len(records) > 1 else 0)


def test_schedules_at_known_places() -> None:
    assert warmup_cosine(0.025) == pytest.approx(0.5)
    assert warmup_cosine(0.05) == pytest.approx(1)
    assert warmup_cosine(0.525) == pytest.approx(0.505)
    assert warmup_cosine(1.0) == pytest.approx(0.01)
    assert paper(0) == pytest.approx(0.1)
    assert [paper(epoch / 135) for epoch in (4, 74.9, 75.1, 104.9, 105.1, 134.9)] == [
        1,
        1,
        0.1,
        0.1,
        0.01,
        0.01,
    ]


def test_decay_is_for_weights_alone() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    for optimizer in (adamw(model, 0.1), sgd(model, 0.1)):
        decay = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
        assert len(decay) == 4
        assert decay[id(model[0].weight)] > 0
        assert decay[id(model[0].bias)] == decay[id(model[1].weight)] == decay[id(model[1].bias)] == 0


def test_files_that_are_no_checkpoints_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.pt: .*no such file"):
        load_weights(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(DataError, match=r"text\.pt: expected a checkpoint"):
        load_weights(tmp_path / "text.pt")
    save_weights(tmp_path / "weights.pt", {"a": torch.arange(3)})
    assert torch.equal(load_weights(tmp_path / "weights.pt")["a"], torch.arange(3))
    with pytest.raises(DataError, match=r"weights\.pt: expected the checkpoint of a run with these settings"):
        load_training(tmp_path / "weights.pt", make_training())
    assert not list(tmp_path.glob("*.partial"))
