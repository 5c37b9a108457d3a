"""Arguments that several verbs of `spikereveal data` share."""

import argparse
from pathlib import Path


def add_verb(
    commands: 'argparse._SubParsersAction[argparse.ArgumentParser]', name: str, about: str, examples: str
) -> argparse.ArgumentParser:
    """Add the parser of one verb, its examples below the options."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(name, help=about, description=about, epilog=examples, formatter_class=formatter)
    return parser


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add `-o`, the folder of the data set to make."""
    parser.add_argument('-o', '--out', type=Path, required=True, metavar='DIR', help='folder of the data set to make')


def add_simulation(parser: argparse.ArgumentParser, threshold: float) -> None:
    """Add what all simulated data sets have: the spike camera, the seed, `--overwrite`."""
    parser.add_argument(
        '--threshold',
        type=float,
        default=threshold,
        help="of the spike camera, the paper's theta (default: %(default)s)",
    )
    parser.add_argument('--no-noise', action='store_true', help='leave out the spikes that a sensor fires by itself')
    parser.add_argument('--seed', type=int, default=0, help='of all randomness (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace the data set if DIR holds one')
