"""Random equations: plain loops, NumPy and torch say the same, forward and for every gradient."""

from run.random_equations import WAYS, Layer, check, run
from strategies import Problem


def test_random_equations():
    run(2000, WAYS)


def test_a_numeric_border_beside_a_position_that_turns():
    """Where both addresses lie outside, there is no term at all."""
    check(Layer(Problem("i 2*j, u -> i+u j", ((1, 1), (2,)), padding=(1, 0), border=1.5)), WAYS)
