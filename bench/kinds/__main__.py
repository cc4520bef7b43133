"""Measures a family of kinds: `python -m bench.kinds FAMILY`.

A family is a module here that has `measure`, which takes the number of rounds and prints its
tables. Whatever is compared takes turns; every figure is the median of the rounds.
"""

import argparse
from importlib import import_module
from pkgutil import iter_modules

import bench.kinds


def main() -> None:
    """Run the bench of a family."""
    names = (each.name for each in iter_modules(bench.kinds.__path__) if each.name != "__main__")
    modules = (import_module(f"bench.kinds.{name}") for name in names)
    families = {
        each.__name__.rpartition(".")[2]: each for each in modules if hasattr(each, "measure")
    }
    parser = argparse.ArgumentParser(prog="python -m bench.kinds", description=bench.kinds.__doc__)
    parser.add_argument("family", choices=sorted(families))
    parser.add_argument("--rounds", type=int, default=3, help="turns of everything (3)")
    arguments = parser.parse_args()
    families[arguments.family].measure(arguments.rounds)


if __name__ == "__main__":
    main()
