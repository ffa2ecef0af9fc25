"""slidesum beside what one would write otherwise: the cases, how they are timed, and what comes of it."""
