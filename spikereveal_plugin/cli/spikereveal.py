"""`spikereveal`: everything that BasicSR has no word for."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from spikereveal_plugin._version import __version__
from spikereveal_plugin.cli.adapt import add_adapt_parser
from spikereveal_plugin.cli.compare import add_compare_parser
from spikereveal_plugin.cli.data.parser import add_data_parser
from spikereveal_plugin.cli.deblur import add_deblur_parser
from spikereveal_plugin.cli.demo import add_demo_parser
from spikereveal_plugin.cli.doctor import add_doctor_parser
from spikereveal_plugin.cli.export import add_export_parser
from spikereveal_plugin.cli.options import add_options_parser
from spikereveal_plugin.cli.run import run
from spikereveal_plugin.cli.text import HelpFormatter
from spikereveal_plugin.cli.together import run_together
from spikereveal_plugin.cli.weights import add_weights_parser

EXAMPLES = """examples:
  spikereveal doctor
  spikereveal demo
  spikereveal deblur photo.png spikes.dat -o sharp.mp4 --method sdm
  spikereveal adapt photos/ spikes/ -o mine
  spikereveal compare blur sdm ldn.pth EDVR=results/edvr --data datasets/mine/test -o compare
  spikereveal data simulate train_clip.mp4 --test test_clip.mp4 -o datasets/mine
  spikereveal weights import --from ssdm ldn.pth -o weights/ldn.pth

Training and testing are `basicsr train` and `basicsr test`.
"""


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of `spikereveal`."""
    parser = argparse.ArgumentParser(
        prog='spikereveal', description=__doc__, epilog=EXAMPLES, formatter_class=HelpFormatter
    )
    parser.add_argument('--version', action='version', version=__version__)
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    commands = parser.add_subparsers(
        dest='command', required=True, metavar='{adapt,compare,deblur,demo,doctor,data,export,options,weights}'
    )
    add_adapt_parser(commands)
    add_compare_parser(commands)
    add_deblur_parser(commands)
    add_demo_parser(commands)
    add_doctor_parser(commands)
    add_data_parser(commands)
    add_export_parser(commands)
    add_options_parser(commands)
    add_weights_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run `spikereveal`; returns the exit code."""
    args = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    if getattr(args, 'launcher', 'none') != 'none':
        return run_together(_run, args, debug=args.debug)
    return run(_run, args, debug=args.debug)


def _run(args: argparse.Namespace) -> None:
    if getattr(args, 'needs_classes', False):
        from spikereveal_plugin.extensions import import_extensions
        from spikereveal_plugin.options import load_options
        from spikereveal_plugin.registration import register

        if (option_file := getattr(args, 'opt', None)) is not None:
            load_options(Path(option_file))  # says what is wrong with the file before torch is waited for
        register()
        import_extensions(getattr(args, 'imports', None), Path.cwd(), '--import')
    args.run(args)


if __name__ == '__main__':
    sys.exit(main())
