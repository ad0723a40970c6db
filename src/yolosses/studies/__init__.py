"""Data set doctor, comparisons and studies."""
