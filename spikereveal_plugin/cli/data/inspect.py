"""`spikereveal data inspect`: what a spike file or a data set holds."""

import argparse
from pathlib import Path

from spikereveal_plugin.cli.arguments import add_spike_layout, add_verb, spike_layout
from spikereveal_plugin.cli.output_file import add_output_file, claim
from spikereveal_plugin.cli.text import write_lines

_EXAMPLES = """examples:
  spikereveal data inspect recording.dat
  spikereveal data inspect recording.dat --height 250 --width 400 --blur photo.jpg -o recording.png
  spikereveal data inspect datasets/mine

Of a .dat of unknown origin, height, width and header are guessed from its size and its correlations.
"""


def add_data_inspect_parser(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `inspect`."""
    parser = add_verb(verbs, 'inspect', 'say and draw what a spike file or a data set holds', _EXAMPLES)
    parser.add_argument('path', type=Path, metavar='FILE_OR_DIR', help='a .dat, .npy or .npz, or a data set')
    add_output_file(parser, 'PNG', 'picture to draw (default: NAME_inspect.png here)', is_required=False)
    parser.add_argument('--blur', type=Path, metavar='IMAGE', help='picture of the same scene: tells the row order')
    add_spike_layout(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    out = args.output or Path(f'{args.path.absolute().stem}_inspect.png')
    claim(out, [args.path, args.blur], args)
    if args.path.is_dir():
        _inspect_set(args.path, out)
    else:
        _inspect_file(args, out)
    write_lines([f'picture: {out}'])


def _inspect_set(root: Path, out: Path) -> None:
    import numpy as np

    from spikereveal_plugin.inspecting.inspect_set import inspect_set
    from spikereveal_plugin.visual.contact_sheet import contact_sheet, save_png
    from spikereveal_plugin.visual.tone import to_gray

    summary = inspect_set(root)
    tiles = [(label, tile if tile.dtype == np.uint8 else to_gray(tile)) for label, tile in summary.tiles]
    save_png(out, contact_sheet(tiles, columns=4))
    write_lines(summary.lines)


def _inspect_file(args: argparse.Namespace, out: Path) -> None:
    from spikereveal_plugin.inspecting.inspect_spikes import inspect_spikes
    from spikereveal_plugin.visual.contact_sheet import contact_sheet, save_png
    from spikereveal_plugin.visual.histogram import histogram
    from spikereveal_plugin.visual.tone import to_gray

    summary = inspect_spikes(args.path, spike_layout(args), args.blur)
    tiles = [(label, to_gray(rate)) for label, rate in summary.pictures()]
    tiles.append(('firing rates', histogram(summary.rates, 'firing rate of a pixel')))
    save_png(out, contact_sheet(tiles, columns=3))
    write_lines(summary.lines)
