"""Fused implementations of hot steps, chosen by an explicit ``impl=`` argument. Empty so far."""
