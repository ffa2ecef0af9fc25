"""Random equations: plain loops, NumPy and torch say the same, forward and for every gradient."""

from run.random_equations import WAYS, run


def test_random_equations():
    run(2000, WAYS)
