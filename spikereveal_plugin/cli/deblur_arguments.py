"""Arguments of `spikereveal deblur`, by what they are about."""

import argparse
from pathlib import Path

from spikereveal_plugin.cli.arguments import add_device, add_metric_weights, add_spike_layout
from spikereveal_plugin.defaults import FPS, NUM_FRAMES
from spikereveal_plugin.inference.engines.names import ENGINES


def add_what(parser: argparse.ArgumentParser) -> None:
    """Add which frames are made, how they are written, and what they are scored against."""
    group = parser.add_argument_group('frames')
    which = group.add_mutually_exclusive_group()
    which.add_argument('--frames', type=int, default=NUM_FRAMES, metavar='N', help='spread over the exposure')
    which.add_argument(
        '--at', nargs='+', type=float, metavar='F', help='parts of the exposure: 0 first, 1 last readout'
    )
    group.add_argument(
        '--format', choices=['png', 'jpg', 'tif', 'mp4', 'webm', 'gif'], help='in a folder OUT (default: png)'
    )
    group.add_argument('--fps', type=float, default=FPS, help='frames a second of a video or GIF')
    group.add_argument('--metrics', nargs='+', metavar='NAME', help='score the frames: psnr, ssim, lpips, niqe, ...')
    group.add_argument('--sharp', type=Path, metavar='PATH', help='sharp images to score against, one for each frame')
    add_metric_weights(group)
    group.add_argument('--page', action='store_true', help='write a page to look at, too: NAME.html beside the frames')
    group.add_argument('--side-by-side', action='store_true', help='the photo to the left of each frame')
    group.add_argument('--overwrite', action='store_true', help='replace results that are there')


def add_how(parser: argparse.ArgumentParser) -> None:
    """Add what restores, and how it computes."""
    group = parser.add_argument_group('method')
    group.add_argument(
        '--weights',
        metavar='NAME|FILE',
        help='a name of `spikereveal weights list` (default: the first student of it), or a .pth file',
    )
    group.add_argument('--then', metavar='FILE', help="DASR or SpikeEDSR, after another method's small frames")
    group.add_argument(
        '--method', choices=['network', 'light', 'sdm'], default='network', help='light, sdm: physics, no weights'
    )
    group.add_argument('--sigma', type=float, metavar='READOUTS', help='sdm of tapered windows, such as 4')
    group.add_argument('--short-window', type=int, metavar='N', help='readouts of a rate: sdm 9, spikes alone 41')
    group.add_argument(
        '--density',
        metavar='auto|F',
        help='make spikes F times denser (default: as the weights say)',
    )
    group.add_argument(
        '--engine',
        choices=ENGINES,
        default='auto',
        help='how to compute: winograd for LDN on a CPU, which compiles itself at its first use; else eager',
    )
    group.add_argument('--tile', type=int, metavar='PIXELS', help='cut large images into tiles')
    add_device(group)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add how the spikes are read, and when the photo was exposed."""
    add_spike_layout(parser)
    group = parser.add_argument_group('exposure')
    group.add_argument('--exposure', nargs=2, type=int, metavar=('FIRST', 'LENGTH'), help="the photo's readouts")
    group.add_argument('--period', type=int, metavar='READOUTS', help='from one photo of a recording to the next')
    group.add_argument('--table', type=Path, metavar='CSV', help='exposures of a recording: name,first,length')
    group.add_argument('--calibration', type=Path, metavar='JSON', help='made by `spikereveal data align`')
    group.add_argument('--no-check', action='store_true', help='accept spikes that look flipped')
