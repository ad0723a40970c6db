"""Command line, playground and lessons: they bring the rooms below together."""
