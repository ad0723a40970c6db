"""Arguments as people write them, before typer reads them."""

from collections.abc import Sequence


def repeat_option(arguments: Sequence[str], option: str) -> list[str]:
    """``--grid 7 10 14`` as ``--grid 7 --grid 10 --grid 14``: whole numbers that follow the value of ``option``
    belong to it too. ``--`` ends that, as it ends all options."""
    expanded: list[str] = []
    follows = False  # the last argument was a value of the option
    for place, argument in enumerate(arguments):
        if argument == "--":
            return [*expanded, *arguments[place:]]
        is_value = place > 0 and arguments[place - 1] == option
        if follows and argument.isdecimal() and not is_value:
            expanded += [option, argument]
            continue
        expanded.append(argument)
        follows = is_value or argument.startswith(f"{option}=")
    return expanded
