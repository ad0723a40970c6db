"""What a command is asked is one class: its fields are the options, its docstring is the help."""

import inspect
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Annotated, Any, get_type_hints

import pytest
import typer
from typer.testing import CliRunner

from yolosses.apps.cli import commands


@dataclass(frozen=True, kw_only=True)
class Request:
    """What it does."""

    name: Annotated[str, typer.Argument(help="A name.")]
    times: Annotated[int, typer.Option(min=1, help="How often.")] = 2
    given: frozenset[str] = frozenset()


def test_a_command_is_called_with_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Request] = []
    app = typer.Typer()
    monkeypatch.setattr(commands, "app", app)
    monkeypatch.setattr("yolosses.apps.cli.lessons.run_lessons", called.append)
    commands._add("one", Request, "lessons.run_lessons")
    run = CliRunner().invoke
    assert run(app, ["a", "--times", "2"]).exit_code == 0
    assert run(app, ["b"]).exit_code == 0
    assert called == [
        Request(name="a", times=2, given=frozenset({"name", "times"})),
        Request(name="b", times=2, given=frozenset({"name"})),
    ]
    assert run(app, []).exit_code == 2
    assert run(app, ["a", "--times", "0"]).exit_code == 2
    assert run(app, ["a", "--given", "name"]).exit_code == 2
    assert "What it does." in run(app, ["--help"]).output


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_field_is_an_option_in_the_order_of_the_help(name: str) -> None:
    request, _ = commands.COMMANDS[name]
    command: Any = typer.main.get_command(commands.app).commands[name]
    assert command.help == inspect.getdoc(request)
    assert [p.name for p in command.params if p.name != "help"] == [
        f.name for f in fields(request) if f.name != "given"
    ]
    assert all(parameter.help for parameter in command.params)


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_what_a_command_calls_takes_its_request(name: str) -> None:
    request, does = commands.COMMANDS[name]
    file, function = does.split(".")
    hints = get_type_hints(getattr(import_module(f"yolosses.apps.cli.{file}"), function))
    assert hints == {"request": request, "return": type(None)}
