"""``python -m yolosses`` is the command line."""

from yolosses.apps.cli.main import main

main()
