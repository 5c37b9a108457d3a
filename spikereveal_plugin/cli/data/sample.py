"""`spikereveal data sample`: a small data set from photographs."""

import argparse
from pathlib import Path

from spikereveal_plugin.cli.arguments import add_out, add_simulation, add_verb
from spikereveal_plugin.cli.output_file import claim_folder

_EXAMPLES = """examples:
  spikereveal data sample -o datasets/sample
  spikereveal data sample -o datasets/tiny --train 6 --test 2 --size 128 192
  spikereveal data sample -o datasets/scenes --motion layers --photos photos/ --train 600 --size 384 512

The photographs are the ones that scikit-image brings along, unless you name yours; nothing is downloaded.
"""


def add_data_sample_parser(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `sample`."""
    parser = add_verb(verbs, 'sample', 'make a small data set from photographs, with no download', _EXAMPLES)
    add_out(parser)
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
    parser.add_argument(
        '--photos',
        nargs='+',
        type=Path,
        default=(),
        metavar='PATH',
        help="pictures, or folders of them, in place of scikit-image's; each fifth is the test split's",
    )
    parser.add_argument(
        '--motion',
        choices=('shake', 'layers'),
        default='shake',
        help='shake: each photograph seen by an unsteady camera; layers: scenes of a background and objects before it, '
        'on paths of their own, bright, dark, at night, under still and moving cameras (default: %(default)s)',
    )
    parser.add_argument(
        '--train-sequences',
        action='store_true',
        help='keep sharp frames of training samples too (train/sharp_sequence.lmdb), for training with labels',
    )
    add_simulation(parser, threshold=2.0, workers=1)  # a small set is made before workers have started
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from spikereveal_plugin.building.sample_photographs import SampleOptions, sample_photographs

    claim_folder(args.output, args.photos)
    height, width = args.size
    options = SampleOptions(
        train=args.train,
        test=args.test,
        height=height,
        width=width,
        threshold=args.threshold,
        photos=tuple(args.photos),
        motion=args.motion,
        train_sequences=args.train_sequences,
        noise=not args.no_noise,
        seed=args.seed,
        overwrite=args.overwrite,
        workers=args.workers,
    )
    sample_photographs(args.output, options)
