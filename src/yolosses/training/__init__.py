"""A small trainer that proves the losses on real pictures."""
