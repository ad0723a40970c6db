"""Axis charts of the pages, one kind a file: a function takes the data that the chart shows and returns a figure."""
