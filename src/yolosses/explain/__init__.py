"""A loss in numbers, words and pictures, from tensors. Empty so far."""
