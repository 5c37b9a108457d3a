"""`spikereveal deblur`: sharp frames from a blurry photo and its spikes."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikereveal_plugin.cli.arguments import add_imports, add_output, given_exposure, spike_layout
from spikereveal_plugin.cli.deblur_arguments import add_how, add_reading, add_what
from spikereveal_plugin.cli.output_file import claim
from spikereveal_plugin.cli.text import HelpFormatter, write_lines
from spikereveal_plugin.defaults import SHORT_WINDOW

if TYPE_CHECKING:
    from spikereveal_plugin.compare.metrics import Metric

EXAMPLES = """examples:
  spikereveal deblur photo.png spikes.dat -o sharp                            seven PNGs in sharp/
  spikereveal deblur photo.png spikes.dat -o sharp --weights mine.pth         by weights of your own
  spikereveal deblur photo.png spikes.dat -o sharp.mp4 --frames 49 --fps 25   a slow-motion video
  spikereveal deblur photo.png spikes.dat -o middle.png --at 0.5              the middle of the exposure
  spikereveal deblur photo.png spikes.dat -o out --metrics psnr ssim --sharp truth/      scored against sharp images
  spikereveal deblur photo.png spikes.dat -o sharp --frames 25 --page         and a page to look at, sharp/photo.html
  spikereveal deblur photo.png spikes.dat -o sdm.gif --method sdm --sigma 4   physics alone, no weights
  spikereveal deblur photos/ spikes/ -o out --format mp4 --side-by-side       photos/a.png with spikes/a.dat, ...
  spikereveal deblur photos/ long.dat -o out --exposure 0 400 --period 1000   one stream, many exposures
  spikereveal deblur photo.jpg s.dat -o out --calibration rig.json            cameras that `data align` has aligned
  spikereveal deblur photos/ long.dat -o out --table exposures.csv            lines of: name,first,length
  spikereveal deblur datasets/mine/test -o out                                a data set of this package
  spikereveal deblur datasets/mine --key clip/000019 -o out.mp4               one sample of its split test
  spikereveal deblur spikes.npz -o preview.mp4                                spikes alone: a gray preview

A .dat does not say its sensor's size: it is taken from a config.yaml beside it (SpikeCV), else a quarter of the photo
where the file is whole readouts of that, else give --height and --width. Without --exposure the photo was exposed
during the whole stream; Spike-GOPRO's files need `--exposure 20 97`. A folder of results goes on where it stopped.
"""

# What a result depends on besides the two inputs; a folder of results remembers it.
_IDENTITY = (
    *('weights', 'method', 'short_window', 'sigma', 'density', 'height', 'width'),
    *('exposure', 'period', 'table', 'no_flip', 'header', 'axes', 'key', 'calibration', 'packed_width', 'then'),
)


def add_deblur_parser(commands: Any) -> None:
    """Add `deblur` to the sub-commands of `spikereveal`."""
    parser = commands.add_parser(
        'deblur', help='restore sharp frames', description=__doc__, epilog=EXAMPLES, formatter_class=HelpFormatter
    )
    parser.add_argument('blur', nargs='?', type=Path, metavar='BLUR', help='photo, or folder of photos')
    parser.add_argument('spikes', type=Path, metavar='SPIKES', help='.dat, .npy, .npz, or folder; or a data set')
    add_output(parser, 'OUT', 'folder, or one .png, .jpg, .tif, .mp4, .webm or .gif file')
    add_imports(parser)
    add_what(parser)
    add_how(parser)
    add_reading(parser)
    parser.set_defaults(run=_deblur)


def _deblur(args: argparse.Namespace) -> None:
    from spikereveal_plugin.building.footage import VIDEO_SUFFIXES
    from spikereveal_plugin.compare.score_files import score_files
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.inference import jobs, outputs, preview, restore
    from spikereveal_plugin.inference.restore_options import RestoreOptions
    from spikereveal_plugin.recordings.photo import PHOTO_SUFFIXES
    from spikereveal_plugin.weights.registry import find_weights, sha256_of

    suffix = args.output.suffix.lower().removeprefix('.')
    is_file = suffix in outputs.KINDS and not args.output.is_dir()
    if f'.{suffix}' in {*PHOTO_SUFFIXES, *VIDEO_SUFFIXES} and not (is_file or args.output.is_dir()):
        raise OptionError(
            f'{args.output}: .{suffix} is not written; name a folder, or a .{", .".join(outputs.KINDS)} file'
        )
    given = (args.blur, args.spikes, args.weights, args.then, args.calibration, args.sharp)
    inputs = [path for path in given if path is not None]
    if is_file:
        claim(args.output, inputs, args)
        if args.page:
            claim(args.output.with_suffix('.html'), inputs, args)
    if is_file and args.format not in (None, suffix):
        raise OptionError(f'--format {args.format}: {args.output} ends in .{suffix}')
    metrics = _metrics(args, suffix if is_file else args.format or 'png')
    listed = jobs.find_jobs(args.blur, args.spikes, _reading(args))
    has_network = any(job.photo for job in listed)
    deblurrer = _deblurrer(args, needs_network=has_network)
    options = RestoreOptions(
        frames=args.frames,
        at=tuple(args.at or ()),
        kind=suffix if is_file else args.format or 'png',
        fps=args.fps,
        side_by_side=args.side_by_side,
        page=args.page,
        inputs=tuple(Path(path) for path in inputs),
        overwrite=args.overwrite,
        check=not args.no_check,
        preview_window=preview.WINDOW if args.short_window is None else args.short_window,
        identity=tuple((key, _plain(getattr(args, key))) for key in _IDENTITY),
        made_by=sha256_of(find_weights(args.weights)) if has_network and args.method == 'network' else '',
    )
    if is_file:
        if len(listed) > 1:
            raise OptionError(f'{args.output}: {len(listed)} photos need a folder; name one without a suffix')
        restore.restore_to_file(listed[0], deblurrer, args.output, options)
    else:
        restore.restore_to_folder(listed, deblurrer, args.output, options)
    if metrics:
        write_lines(score_files(args.output, args.sharp, metrics))
    logging.getLogger('spikereveal').info('%s: done', args.output)


def _metrics(args: argparse.Namespace, kind: str) -> 'list[Metric]':
    """Make the metrics that are asked for, before any work is done."""
    from spikereveal_plugin.compare.metrics import build_metrics, metric_sections
    from spikereveal_plugin.compare.score_files import check_sharp
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.inference.outputs import PICTURES

    if not (args.metrics or args.sharp):
        return []
    if kind not in PICTURES:
        raise OptionError(
            f'--metrics: scores pictures, and .{kind} is none; leave it out, or write .{", .".join(PICTURES)}'
        )
    metrics = build_metrics(metric_sections(args.metrics or ['psnr', 'ssim'], args.weights_dir, args.download))
    check_sharp(metrics, args.sharp)
    return metrics


def _reading(args: argparse.Namespace) -> Any:
    from spikereveal_plugin.inference.jobs import ReadOptions
    from spikereveal_plugin.inference.timing import Timing
    from spikereveal_plugin.recordings.calibration import load_calibration
    from spikereveal_plugin.recordings.rig import Rig

    rig = Rig(load_calibration(args.calibration)) if args.calibration else None
    exposure = given_exposure(args)
    if exposure is None and rig and args.table is None:
        exposure = rig.exposure
    return ReadOptions(spike_layout(args), Timing(exposure, args.period, args.table), rig)


def _deblurrer(args: argparse.Namespace, *, needs_network: bool) -> Any:
    """Make what restores: the network, or physics where it is asked for or there is no photo to restore."""
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.inference.deblurrer import Deblurrer
    from spikereveal_plugin.weights.registry import default_student

    if not needs_network:
        logging.getLogger('spikereveal').info(
            'no blurry photo: a gray preview of the spikes, at their own size; colour and detail need the photo too'
        )
        return Deblurrer.physics()
    if args.method == 'light':
        for name in ('weights', 'sigma', 'short_window', 'density', 'tile'):
            if getattr(args, name) is not None:
                raise OptionError(f'--{name.replace("_", "-")}: --method light has nothing to set; leave it out')
        return Deblurrer.light()
    if args.method == 'sdm':
        if args.sigma is not None and (args.short_window is not None or args.density is not None):
            raise OptionError('--sigma: a tapered window has no --short-window, and its density is always auto')
        return Deblurrer.physics(SHORT_WINDOW if args.short_window is None else args.short_window, args.sigma)
    if args.sigma is not None:
        raise OptionError('--sigma: tapers the window of --method sdm; give that too')
    if args.weights is None:
        args.weights = default_student()  # in the namespace: results remember what made them
        logging.getLogger('spikereveal').info(f'weights: {args.weights}; --weights chooses others')
    return Deblurrer.from_pretrained(
        args.weights,
        density=_density(args.density),
        engine=args.engine,
        tile=args.tile,
        then=args.then,
        device=args.device,
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON keeps it."""
    return str(value) if isinstance(value, Path) else value


def _density(text: str | None) -> Any:
    from spikereveal_plugin.errors import OptionError

    if text is None or text == 'auto':
        return text
    try:
        return float(text)
    except ValueError:
        raise OptionError(f'--density {text!r}: expected auto or a number') from None
