"""`spikereveal data sample`: a small data set from photographs."""

import argparse

from spikereveal_plugin.cli.arguments import add_out, add_simulation, add_verb

_EXAMPLES = """examples:
  spikereveal data sample -o datasets/sample
  spikereveal data sample -o datasets/tiny --train 6 --test 2 --size 128 192

The photographs are the ones that scikit-image brings along; nothing is downloaded.
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
    add_simulation(parser, threshold=2.0, workers=1)  # a small set is made before workers have started
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from spikereveal_plugin.building.sample_photographs import SampleOptions, sample_photographs

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
        workers=args.workers,
    )
    sample_photographs(args.output, options)
