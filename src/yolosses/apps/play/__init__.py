"""The playground, with the library itself behind it."""

PORT = 8750
"""Where it is served unless told otherwise."""
