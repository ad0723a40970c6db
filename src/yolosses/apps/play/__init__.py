"""The playground, with the library itself behind it."""
