"""`python -m skmnist` is the `skmnist` command."""

from skmnist.cli import main

if __name__ == "__main__":
    main()
