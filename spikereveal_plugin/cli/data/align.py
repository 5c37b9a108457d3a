"""`spikereveal data align`: how the colour camera lies on the spike camera."""

import argparse
from pathlib import Path

from spikereveal_plugin.cli.arguments import add_spike_layout, add_verb, positive, spike_layout
from spikereveal_plugin.cli.output_file import add_output_file, claim
from spikereveal_plugin.cli.text import write_lines

_EXAMPLES = """examples:
  spikereveal data align photo.jpg recording.dat --height 250 --width 400 -o rig.json
  spikereveal data align photos/ spikes/ --length 97 -o rig.json
  spikereveal data align board_photos/ board_spikes/ --board 6 9 -o rig.json
  spikereveal data import folder photos/ spikes/ --calibration rig.json -o datasets/mine

The estimate rests on gray(blur) being the long firing rate (Eq. 5). Several recordings of one rig give a steadier one.
"""


def add_data_align_parser(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `align`."""
    parser = add_verb(verbs, 'align', 'estimate where the spike pixels lie in the image, and when', _EXAMPLES)
    parser.add_argument('images', type=Path, metavar='IMAGES', help='blurry image, or folder of them')
    parser.add_argument('spikes', type=Path, metavar='SPIKES', help='spike file, or folder with the same names')
    add_output_file(parser, 'JSON', 'calibration file to write')
    parser.add_argument('--length', type=positive, metavar='N', help='readouts of the exposure (default: all)')
    parser.add_argument(
        '--first', type=int, metavar='N', help='its first readout (default: sought, if --length is short)'
    )
    parser.add_argument(
        '--board', nargs=2, type=int, metavar=('ROWS', 'COLUMNS'), help='inner corners of a checkerboard'
    )
    parser.add_argument('--linear-light', action='store_true', help="undo the images' sRGB curve before comparing")
    add_spike_layout(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from spikereveal_plugin.inspecting.align_recordings import AlignOptions, align_recordings
    from spikereveal_plugin.recordings.calibration import save_calibration
    from spikereveal_plugin.recordings.find_recordings import find_recordings

    claim(args.output, [args.images, args.spikes], args)
    board = (args.board[0], args.board[1]) if args.board else None
    options = AlignOptions(spike_layout(args), args.first, args.length, board, args.linear_light)
    report = align_recordings(find_recordings(args.images, args.spikes).recordings, options)
    save_calibration(args.output, report.calibration)
    calibration = report.calibration
    lead = '' if report.offset_lead is None else f', found by a correlation {report.offset_lead:.3f} above the mean'
    write_lines(
        (
            f'pairs: {calibration.pairs}, {report.num_matches} matches each',
            f'exposure: readouts {calibration.first} to {calibration.first + calibration.length - 1}{lead}',
            f'correlation after alignment: {report.correlation:.3f}',
            f'residual: {calibration.residual:.2f} spike pixels; '
            f'spread of the corners between pairs {report.spread:.2f}',
            f'calibration: {args.output}',
        )
    )
