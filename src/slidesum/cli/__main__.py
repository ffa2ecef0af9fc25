"""`python -m slidesum.cli`."""

from slidesum.cli.app import main

main()
