"""Loops for a CPU, compiled by Numba, chosen by ``impl="numba"``. The modules import numba, so a loss imports them only
when it uses them."""
