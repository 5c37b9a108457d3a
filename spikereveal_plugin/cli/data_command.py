"""`spikereveal data simulate` and `spikereveal data sample`: data sets made on this machine."""

import argparse
from collections.abc import Sequence
from pathlib import Path

_SIMULATE_EXAMPLES = """examples:
  spikereveal data simulate train_clip.mp4 --test test_clip.mp4 --factor 16 -o datasets/clips
  spikereveal data simulate GOPRO_Large_all/train --test GOPRO_Large_all/test -o datasets/GOPRO
  spikereveal data simulate one_clip.mp4 -o datasets/mine

A folder of pictures is one sequence, in the natural order of their names; a folder of videos or of such folders is
several. The published factor is 8, for 240 frames a second; slower footage moves further between two frames, so 16 or
32 make exposures that are as blurry from fewer frames.
"""
_SAMPLE_EXAMPLES = """examples:
  spikereveal data sample -o datasets/sample
  spikereveal data sample -o datasets/tiny --train 6 --test 2 --size 128 192

The photographs are the ones that scikit-image brings along; nothing is downloaded.
"""


def add_data_parser(
    subparsers: 'argparse._SubParsersAction[argparse.ArgumentParser]',
) -> 'argparse._SubParsersAction[argparse.ArgumentParser]':
    """Add `data` with its commands; each sets `run`, which takes the parsed arguments.

    Returns:
        The commands below `data`, so that others can be added.
    """
    parser = subparsers.add_parser('data', help='make and look into data sets')
    commands = parser.add_subparsers(title='commands', required=True, metavar='COMMAND')
    _add_simulate(commands)
    _add_sample(commands)
    return commands


def _add_simulate(commands: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    parser = _command(commands, 'simulate', 'make a data set from videos or folders of frames', _SIMULATE_EXAMPLES)
    parser.add_argument('sources', nargs='+', type=Path, metavar='VIDEO_OR_FOLDER', help='sharp footage')
    parser.add_argument(
        '--factor',
        type=int,
        choices=(8, 16, 32),
        default=8,
        help='readouts per frame of the footage (default: %(default)s)',
    )
    parser.add_argument(
        '--test',
        nargs='+',
        default=[],
        metavar='FOOTAGE',
        help='footage to test on, or names of sequences above (the last fifth of each sequence)',
    )
    parser.add_argument(
        '--resize', nargs=2, type=int, metavar=('HEIGHT', 'WIDTH'), help='resize frames first (default: as they are)'
    )
    parser.add_argument(
        '--flow',
        choices=('ultrafast', 'fast', 'medium'),
        default='medium',
        help='effort of the optical flow between frames (default: %(default)s)',
    )
    _add_common(parser, threshold=1.0)
    parser.set_defaults(run=_run_simulate)


def _add_sample(commands: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    parser = _command(commands, 'sample', 'make a small data set from photographs, with no download', _SAMPLE_EXAMPLES)
    parser.add_argument('--train', type=int, default=48, metavar='N', help='training samples (default: %(default)s)')
    parser.add_argument('--test', type=int, default=6, metavar='N', help='test samples (default: %(default)s)')
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        default=(256, 384),
        metavar=('HEIGHT', 'WIDTH'),
        help='of the images, multiples of 16 (default: 256 384)',
    )
    _add_common(parser, threshold=2.0)
    parser.set_defaults(run=_run_sample)


def _command(
    commands: 'argparse._SubParsersAction[argparse.ArgumentParser]', name: str, about: str, examples: str
) -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(name, help=about, description=about, epilog=examples, formatter_class=formatter)
    parser.add_argument('-o', '--out', type=Path, required=True, metavar='DIR', help='folder of the data set to make')
    return parser


def _add_common(parser: argparse.ArgumentParser, threshold: float) -> None:
    parser.add_argument(
        '--threshold',
        type=float,
        default=threshold,
        help="of the spike camera, the paper's theta (default: %(default)s)",
    )
    parser.add_argument('--no-noise', action='store_true', help='leave out the spikes that a sensor fires by itself')
    parser.add_argument('--seed', type=int, default=0, help='of all randomness (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace the data set if DIR holds one')


def _run_simulate(args: argparse.Namespace) -> None:
    from spikereveal_plugin.data.simulate_footage import SimulateOptions, simulate_footage  # noqa: PLC0415

    test_sources, test = _test_footage(args.test)
    options = SimulateOptions(
        factor=args.factor,
        threshold=args.threshold,
        noise=not args.no_noise,
        seed=args.seed,
        test=test,
        resize=tuple(args.resize) if args.resize else None,
        flow=args.flow,
        overwrite=args.overwrite,
    )
    simulate_footage([*args.sources, *test_sources], args.out, options)


def _test_footage(items: Sequence[str]) -> tuple[list[Path], tuple[str, ...]]:
    """Tell further footage from names of sequences; return the footage, and the names of all sequences to test on."""
    from spikereveal_plugin.data.footage import find_footage  # noqa: PLC0415

    paths = [Path(item) for item in items if Path(item).exists()]
    found = [footage.name for footage in find_footage(paths)] if paths else []
    return paths, (*found, *(item for item in items if not Path(item).exists()))


def _run_sample(args: argparse.Namespace) -> None:
    from spikereveal_plugin.data.sample_photographs import SampleOptions, sample_photographs  # noqa: PLC0415

    height, width = args.size
    options = SampleOptions(
        train=args.train,
        test=args.test,
        height=height,
        width=width,
        threshold=args.threshold,
        noise=not args.no_noise,
        seed=args.seed,
        overwrite=args.overwrite,
    )
    sample_photographs(args.out, options)
