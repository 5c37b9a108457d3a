"""`spikereveal data simulate`: a data set from videos or folders of frames."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from spikereveal_plugin.cli.data_arguments import add_out, add_simulation, add_verb, shard

_EXAMPLES = """examples:
  spikereveal data simulate train_clip.mp4 --test test_clip.mp4 --factor 16 -o datasets/clips
  spikereveal data simulate GOPRO_Large_all/train --test GOPRO_Large_all/test -o datasets/GOPRO
  spikereveal data simulate one_clip.mp4 -o datasets/mine
  spikereveal data simulate GOPRO_x8/train --test GOPRO_x8/test --interpolated -o datasets/GOPRO
  spikereveal data simulate GOPRO_Large_all/train --test GOPRO_Large_all/test --shard 2/4 -o parts/2

A folder of pictures is one sequence, in the natural order of their names; a folder of videos or of such folders is
several. The published factor is 8, for 240 frames a second; slower footage moves further between two frames, so 16 or
32 make exposures that are as blurry from fewer frames.

A build that was stopped, by Ctrl-C, an error or a crash, goes on when the same command is given again.
"""


def add_data_simulate_parser(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `simulate`."""
    parser = add_verb(verbs, 'simulate', 'make a data set from videos or folders of frames', _EXAMPLES)
    add_out(parser)
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
    parser.add_argument(
        '--interpolated',
        action='store_true',
        help='the footage holds the frames between already, FACTOR to an original one: none are made',
    )
    parser.add_argument(
        '--shard',
        type=shard,
        default=(1, 1),
        metavar='I/N',
        help='make part I of N, from 1 on, in a folder of its own; `spikereveal data merge` joins the parts',
    )
    add_simulation(parser, threshold=1.0)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
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
        interpolated=args.interpolated,
        workers=args.workers,
        shard=args.shard,
    )
    simulate_footage([*args.sources, *test_sources], args.out, options)


def _test_footage(items: Sequence[str]) -> tuple[list[Path], tuple[str, ...]]:
    """Tell further footage from names of sequences; return the footage, and the names of all sequences to test on."""
    from spikereveal_plugin.data.footage import find_footage  # noqa: PLC0415

    paths = [Path(item) for item in items if Path(item).exists()]
    found = [footage.name for footage in find_footage(paths)] if paths else []
    return paths, (*found, *(item for item in items if not Path(item).exists()))
