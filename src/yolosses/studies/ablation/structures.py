"""What a study of hyper-parameters consists of: settings, seeds, and what each run measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from pydantic import StrictFloat

Level = float | int | str | bool
Setting = dict[str, Level]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One finished training run.

    Attributes:
        trial: its number in the study's storage. setting: value of each varied parameter.
        measures: by name, see `yolosses.studies.ablation.measures.MEASURES`; None where a measure is not defined, as
            the mean IoU of true positives without any.
        calibration: ten parts of the scores: ``{"score": [...], "iou": [...], "count": [...]}``, the mean score of the
            detections in each part, their mean IoU with the nearest object of their class, how many there are.
        history: of the loss over training: ``{"steps": [...], "terms": {name: [...]}}``, weighted terms.
        seconds: of training.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # an unknown field is not dropped

    trial: int
    setting: Setting
    seed: int
    measures: dict[str, StrictFloat | None]
    calibration: dict[str, list[float | int]] = field(default_factory=dict)
    history: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """All that a report of a study is drawn from.

    Attributes:
        data: name of the data set. train_split, eval_split: learnt from, measured on. num_pictures: of each.
        budget: of one run: ``{"epochs": 2}`` or ``{"minutes": 1.0}``.
        parameters: the varied ones, each with its values in the order given; a range that a sampler draws from has the
            values that were drawn, ascending.
        defaults: value of each varied parameter that the loss has by itself.
        objective: measure that a sampler maximised, or None where all settings were measured.
        states: how many trials there are by Optuna's states: "complete", "running", "waiting", "fail", "pruned".
    """

    data: str
    loss: str
    train_split: str
    eval_split: str
    num_pictures: dict[str, int]
    class_names: tuple[str, ...]
    budget: dict[str, float | int]
    parameters: dict[str, tuple[Level, ...]]
    defaults: Setting
    results: tuple[Result, ...]
    objective: str | None = None
    states: dict[str, int] = field(default_factory=dict)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Those with a result, each once, in the order of the parameters' values."""
        order = {
            name: {level: i for i, level in enumerate(levels)} for name, levels in self.parameters.items()
        }
        keys = {tuple(r.setting[name] for name in self.parameters) for r in self.results}
        ranked = sorted(
            keys, key=lambda key: [order[n][v] for n, v in zip(self.parameters, key, strict=True)]
        )
        return tuple(dict(zip(self.parameters, key, strict=True)) for key in ranked)

    def of(self, setting: Mapping[str, Level]) -> tuple[Result, ...]:
        """Results with these values (of some of the parameters or of all), by seed."""
        found = [r for r in self.results if all(r.setting[name] == value for name, value in setting.items())]
        return tuple(sorted(found, key=lambda r: (r.seed, r.trial)))

    def to_json(self) -> dict[str, Any]:
        """As plain lists and dicts."""
        return asdict(self)
