"""`spikereveal data play`: a spike stream as a video, a GIF or a sheet."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from spikereveal_plugin.cli.arguments import add_spike_layout, add_verb, positive, spike_layout
from spikereveal_plugin.cli.output_file import add_output_file, claim
from spikereveal_plugin.cli.text import write_lines
from spikereveal_plugin.defaults import SHORT_WINDOW

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from spikereveal_plugin.inspecting.playback import Stream

_EXAMPLES = """examples:
  spikereveal data play recording.dat --height 250 --width 400 -o recording.mp4
  spikereveal data play recording.npz --window 81 --blur photo.jpg -o recording.gif
  spikereveal data play datasets/mine/test --key clip/000019 -o sample.png

Shown side by side: the blurry image, the readout, TFP over the window, TFI. Dark streams are brightened.
"""
_FRAMES = {'.png': 4, '.gif': 60}
_MEASURED = 64  # blocks of a long stream that tell how bright it is


def add_data_play_parser(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `play`."""
    parser = add_verb(verbs, 'play', 'show a spike stream as video, GIF or sheet', _EXAMPLES)
    parser.add_argument('spikes', type=Path, metavar='SPIKES', help='.dat, .npy, .npz, spike.lmdb, or a split of a set')
    add_output_file(parser, 'FILE', 'name ending in .mp4, .webm, .gif or .png')
    parser.add_argument(
        '--blur', type=Path, metavar='IMAGE', help="blurry image beside it (default: the data set's own)"
    )
    parser.add_argument(
        '--window', type=positive, default=SHORT_WINDOW, help='readouts of the TFP, odd (default: %(default)s)'
    )
    parser.add_argument('--frames', type=positive, metavar='N', help='instants shown (default: 200; gif 60, png 4)')
    parser.add_argument('--fps', type=positive, default=20, help='frames a second (default: %(default)s)')
    add_spike_layout(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from spikereveal_plugin.errors import SpikeDataError
    from spikereveal_plugin.inspecting.playback import open_stream, spread_instants
    from spikereveal_plugin.visual.animation import ANIMATION_SUFFIXES, save_animation

    if args.output.suffix.lower() not in ANIMATION_SUFFIXES:
        raise SpikeDataError(f'{args.output}: expected a name that ends in {", ".join(ANIMATION_SUFFIXES)}')
    claim(args.output, [args.spikes, args.blur], args)
    stream = open_stream(args.spikes, spike_layout(args), args.blur)
    instants = spread_instants(len(stream.spikes), args.frames or _FRAMES.get(args.output.suffix.lower(), 200))
    count = save_animation(args.output, _frames(stream, args.window, instants), args.fps)
    write_lines([f'{args.output}: {count} instants of {len(stream.spikes)} readouts'])


def _frames(stream: 'Stream', window: int, instants: list[int]) -> 'Iterator[npt.NDArray[np.uint8]]':
    """Draw each instant, all with one white so that brightness does not flicker."""
    import numpy as np
    from tqdm import tqdm

    from spikereveal_plugin.inspecting.playback import play
    from spikereveal_plugin.visual.contact_sheet import contact_sheet
    from spikereveal_plugin.visual.tone import to_gray, white_level

    white = white_level(stream.spikes.rate(_MEASURED))
    for tiles in tqdm(play(stream, window, instants), total=len(instants), unit='instant', disable=None):
        pictures = [
            (label, tile if tile.dtype == np.uint8 else to_gray(tile, 1.0 if label.startswith('readout') else white))
            for label, tile in tiles
        ]
        yield contact_sheet(pictures, columns=len(pictures))
