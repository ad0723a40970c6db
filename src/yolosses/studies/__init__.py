"""Data set doctor, comparisons and studies. Empty so far."""
