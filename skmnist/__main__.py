"""`python -m skmnist` is the `skmnist` command."""

from skmnist.cli import main

main()
