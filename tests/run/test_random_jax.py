"""Random equations: JAX says what plain loops say, forward and for every gradient."""

from run.random_equations import by_jax, by_jax_equations, run


def test_random_equations():
    run(2000, {"jax": by_jax})


def test_gradients_by_their_equations():
    run(200, {"jax equations": by_jax_equations})
