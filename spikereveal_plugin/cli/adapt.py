"""`spikereveal adapt`: fine-tune weights on recordings of your own, without labels."""

import argparse
import logging
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

from spikereveal_plugin.adapt.schedule import Schedule
from spikereveal_plugin.cli.arguments import (
    add_imports,
    add_output,
    add_spike_layout,
    given_exposure,
    positive,
    seed,
    spike_layout,
)
from spikereveal_plugin.cli.text import HelpFormatter

EXAMPLES = """examples:
  spikereveal adapt photos/ spikes/ -o mine --exposure 20 97       the first weights of `weights list`
  spikereveal adapt photo.png spikes.dat -o mine                   one exposure: a quarter of its image is held out
  spikereveal adapt datasets/mine -o mine --weights ldn.pth --teacher bsn.pth edsr.pth          as published
  spikereveal adapt datasets/mine -o mine --vgg vgg16.pth          LPIPS, as published, in place of L1
  spikereveal adapt datasets/mine -o mine --crop 128 --instants 3 --val-instants 25    less work, for a CPU

Everything is in OUT: a data set of the recordings, adapt.yml (an ordinary option file, to be read, changed and run with
`basicsr train`), the experiment, and OUT's name with .pth, which `spikereveal deblur --weights` takes. It stops by
itself once the re-blurring residual of what is held out no longer falls. The same command goes on after a stop.
Weights for any threshold teach themselves: they see the spikes as recorded, the student half of them too. Others learn
from light change (`--teacher light`), or from your BSN and SpikeEDSR, as in the paper.
"""


_DEFAULTS = {'header': 0, 'axes': 'thw'}


def add_adapt_parser(commands: Any) -> None:
    """Add `adapt` to the sub-commands of `spikereveal`."""
    parser = commands.add_parser(
        'adapt', help='fine-tune on own recordings', description=__doc__, epilog=EXAMPLES, formatter_class=HelpFormatter
    )
    parser.add_argument('blur', nargs='?', type=Path, metavar='BLUR', help='photo, or folder of photos')
    parser.add_argument('spikes', type=Path, metavar='SPIKES', help='.dat, .npy, .npz, or folder; or a data set')
    add_output(parser, 'OUT', 'folder for everything')
    add_imports(parser)
    parser.add_argument('--weights', metavar='NAME|FILE', help='to start from (default: the first student there is)')
    parser.add_argument(
        '--teacher',
        nargs='+',
        metavar='BSN EDSR|self|light',
        help='who teaches (see below); after BLUR and SPIKES',
    )
    parser.add_argument('--overwrite', action='store_true', help='begin again')
    _add_training(parser)
    group = parser.add_argument_group('recordings')
    group.add_argument(
        '--exposure', nargs=2, type=int, metavar=('FIRST', 'LENGTH'), help="the photo's readouts (default: all)"
    )
    group.add_argument('--calibration', type=Path, metavar='JSON', help='made by `spikereveal data align`')
    group.add_argument('--workers', type=positive, default=1, metavar='N', help='processes that read recordings')
    add_spike_layout(parser)
    parser.set_defaults(run=_adapt)


def _add_training(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('training')
    group.add_argument('--iterations', type=positive, default=Schedule.iterations, metavar='N', help='at most')
    group.add_argument(
        '--val-freq', type=positive, default=Schedule.val_freq, metavar='N', help='iterations between validations'
    )
    group.add_argument(
        '--patience',
        type=positive,
        default=Schedule.patience,
        metavar='N',
        help='validations without a smaller residual',
    )
    group.add_argument('--held-out', type=positive, default=2, metavar='N', help='exposures that are not trained on')
    group.add_argument('--learning-rate', type=float, default=Schedule.learning_rate, metavar='F', help='of Adam')
    group.add_argument(
        '--reblur-weight', type=float, default=Schedule.reblur_weight, metavar='F', help='lambda of Eq. 14'
    )
    group.add_argument(
        '--crop', type=positive, default=Schedule.crop, metavar='N', help='side of the crops, in photo pixels'
    )
    group.add_argument('--instants', type=positive, default=Schedule.instants, metavar='N', help='of each exposure')
    group.add_argument(
        '--val-instants', type=positive, metavar='N', help='of each exposure held out (default: every readout)'
    )
    group.add_argument('--vgg', type=Path, metavar='FILE', help="VGG16's weights: LPIPS in place of L1")
    group.add_argument('--density', choices=['auto', '1.0'], help='normalise spikes (default: as the weights say)')
    group.add_argument('--seed', type=seed, default=Schedule.seed, help='of all randomness')


def _adapt(args: argparse.Namespace) -> None:
    from spikereveal_plugin.adapt.run import adapt  # --help must not wait for torch

    weights = adapt(_request(args))
    logging.getLogger('spikereveal').info('%s: done\n$ %s', weights, shlex.join(next_command(args, weights)))


def next_command(args: argparse.Namespace, weights: Path) -> list[str]:
    """Return the `spikereveal deblur` of the same recordings, or of the data set made of them."""
    from spikereveal_plugin.recordings.layout import find_split_of

    end = ['-o', f'{args.output.name}_sharp', '--weights', str(weights)]
    if args.blur is None:
        split = find_split_of(args.spikes, 'train', 'test')
        return ['spikereveal', 'deblur', str(split.root if split else args.spikes), *end]
    words = ['spikereveal', 'deblur', str(args.blur), str(args.spikes), *end]
    words += ['--exposure', *map(str, args.exposure)] if args.exposure else []
    for name in ('calibration', 'height', 'width', 'packed_width', 'header', 'axes', 'key'):
        if (value := getattr(args, name)) not in (None, _DEFAULTS.get(name)):
            words += [f'--{name.replace("_", "-")}', str(value)]
    return [*words, '--no-flip'] if args.no_flip else words


def _request(args: argparse.Namespace) -> Any:
    from spikereveal_plugin.adapt.run import Request
    from spikereveal_plugin.building.import_set import ImportOptions
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.recordings.calibration import load_calibration

    if not (args.learning_rate > 0 and args.reblur_weight >= 0):
        raise OptionError('--learning-rate and --reblur-weight: expected a positive number, and one of 0 or more')
    if args.crop % 4:
        raise OptionError(f'--crop {args.crop}: expected a multiple of 4, since a spike pixel is 4 photo pixels wide')
    if args.teacher and len(args.teacher) != 2 and args.teacher not in (['self'], ['light']):
        raise OptionError(f'--teacher {" ".join(args.teacher)}: expected BSN and SpikeEDSR, self, or light')
    if args.vgg and not args.vgg.is_file():
        raise OptionError(f'--vgg {args.vgg}: no such file')
    exposure = given_exposure(args)
    calibration = load_calibration(args.calibration) if args.calibration else None
    reading = ImportOptions(exposure, spike_layout(args), calibration=calibration, workers=args.workers)
    training = {field.name for field in fields(Schedule)} & vars(args).keys()
    return Request(
        *(args.blur, args.spikes, args.output, args.weights, args.teacher and tuple(args.teacher)),
        density=float(args.density) if args.density == '1.0' else args.density,
        held_out=args.held_out,
        reading=reading,
        schedule=Schedule(**{key: getattr(args, key) for key in training}),
        overwrite=args.overwrite,
    )
