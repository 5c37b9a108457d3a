"""Arguments that several verbs of `spikereveal data` share."""

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from spikereveal_plugin.exposure import Exposure
    from spikereveal_plugin.recordings.spike_file import SpikeLayout

Container: TypeAlias = argparse.ArgumentParser | argparse._ArgumentGroup


def add_verb(
    commands: 'argparse._SubParsersAction[argparse.ArgumentParser]', name: str, about: str, examples: str
) -> argparse.ArgumentParser:
    """Add the parser of one verb, its examples below the options."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(name, help=about, description=about, epilog=examples, formatter_class=formatter)
    return parser


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add `-o`, the folder of the data set to make."""
    add_output(parser, 'DIR', 'folder of the data set to make')


def add_output(parser: Container, metavar: str, about: str, *, is_required: bool = True) -> None:
    """Add `-o`, what to write; `--out` is its former name."""
    names = ('-o', '--output', '--out')
    parser.add_argument(*names, type=Path, required=is_required, metavar=metavar, help=about)


def add_imports(parser: Container) -> None:
    """Add `--import`, which brings in networks, losses, metrics and restorers of one's own."""
    parser.add_argument(
        '--import',
        dest='imports',
        action='append',
        metavar='MODULE|FILE',
        help='import a module or a .py file that registers networks, losses, metrics or restorers of your own',
    )
    parser.set_defaults(needs_classes=True)


def add_device(parser: Container) -> None:
    """Add `--device`."""
    parser.add_argument('--device', default='cpu', help='cpu, cuda, cuda:1')


def add_metric_weights(parser: Container) -> None:
    """Add where pyiqa's metrics take their weights from."""
    parser.add_argument('--weights-dir', metavar='DIR', help="folder of the metrics' weights (default: $IQA_WEIGHTS)")
    parser.add_argument('--download', action='store_true', help="download the metrics' weights that are missing")


def add_simulation(parser: argparse.ArgumentParser, threshold: float, workers: int | None = None) -> None:
    """Add what all simulated data sets have: the spike camera, the seed, and what `add_build` adds."""
    parser.add_argument(
        '--threshold',
        type=float,
        default=threshold,
        help="of the spike camera, the paper's theta (default: %(default)s)",
    )
    parser.add_argument('--no-noise', action='store_true', help='leave out the spikes that a sensor fires by itself')
    parser.add_argument('--seed', type=seed, default=0, help='of all randomness (default: %(default)s)')
    add_build(parser, workers)


def add_build(parser: argparse.ArgumentParser, workers: int | None = None) -> None:
    """Add what every build has: `--workers`, one a core by default, and `--overwrite`."""
    parser.add_argument(
        '--workers',
        type=positive,
        default=workers or _usable_cores(),
        metavar='N',
        help='processes; the result does not depend on their number (default: %(default)s)',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace the data set if DIR holds one, and what another command began there',
    )


def add_spike_layout(parser: argparse.ArgumentParser) -> None:
    """Add what a spike file does not say itself; `spike_layout` reads it."""
    group = parser.add_argument_group('spike file', 'what a .dat, .npy or .npz does not say itself')
    group.add_argument('--height', type=positive, help="the sensor's rows (default: a config.yaml beside the file)")
    group.add_argument('--width', type=positive, help="the sensor's columns")
    group.add_argument(
        '--packed-width',
        type=positive,
        metavar='N',
        help='columns of a row in a .dat, where the first --width of them are pixels (known cameras: found by itself)',
    )
    group.add_argument(
        '--no-flip', action='store_true', help='a .dat holds its top row first; cameras write the bottom'
    )
    group.add_argument(
        '--header', type=int, default=0, metavar='BYTES', help='bytes before the first readout of a .dat'
    )
    group.add_argument(
        '--axes', choices=('thw', 'hwt'), default='thw', help='order of the axes of an array (default: %(default)s)'
    )
    group.add_argument('--key', metavar='NAME', help='array of an .npz, or sample of a data set')


def spike_layout(args: argparse.Namespace) -> 'SpikeLayout':
    """Return the layout that `add_spike_layout` parsed."""
    from spikereveal_plugin.recordings.spike_file import SpikeLayout

    form = {'flip': not args.no_flip, 'header': args.header, 'axes': args.axes, 'key': args.key}
    return SpikeLayout(args.height, args.width, packed_width=args.packed_width, **form)


def given_exposure(args: argparse.Namespace) -> 'Exposure | None':
    """Return what `--exposure FIRST LENGTH` says, if it was given.

    Raises:
        OptionError: it says an impossible one.
    """
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.exposure import Exposure

    try:
        return Exposure(*args.exposure) if args.exposure else None
    except ValueError as error:
        raise OptionError(f'--exposure: {error}') from None


def seed(text: str) -> int:
    """Parse the seed of random numbers, for argparse."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f'expected a whole number from 0 to {2**32 - 1}, got {text!r}')
    return int(text)


def positive(text: str) -> int:
    """Parse a whole number of 1 or more."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f'expected a whole number of 1 or more, got {text!r}')
    return int(text)


def shard(text: str) -> tuple[int, int]:
    """Parse `i/n`, part i of n, from 1 on."""
    parts = re.fullmatch(r'(\d+)/(\d+)', text)
    if parts is None or not 1 <= int(parts[1]) <= int(parts[2]):
        raise argparse.ArgumentTypeError(f'expected i/n with i from 1 to n, such as 2/4, got {text!r}')
    return int(parts[1]), int(parts[2])


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
