"""`spikereveal demo`: what the method does, in a minute; then a training and a comparison, in minutes."""

import argparse
from pathlib import Path
from typing import Any

from spikereveal_plugin.cli.arguments import seed
from spikereveal_plugin.cli.text import HelpFormatter

EXAMPLES = """examples:
  spikereveal demo --quick         held-out photographs restored by the weights that come along
  spikereveal demo                 and a student trained without sharp images, and all methods compared
  spikereveal demo --published     and the paper's three stages, cut to minutes
  spikereveal demo -o /tmp/demo

No download, no GPU. Every command is printed, and can be typed again in the demo's folder.
"""


def add_demo_parser(commands: Any) -> None:
    """Add `demo` to the sub-commands of `spikereveal`."""
    parser = commands.add_parser(
        'demo', help='see it work, in minutes', epilog=EXAMPLES, formatter_class=HelpFormatter, description=__doc__
    )
    parser.add_argument(
        '-o', '--output', '--out', type=Path, default=Path('spikereveal_demo'), help='folder for everything'
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument('--quick', action='store_true', help='the first act alone')
    how.add_argument('--published', action='store_true', help="train the paper's three stages, not LDNLight")
    parser.add_argument('--seed', type=seed, default=0, help='of the data and the training')
    parser.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> None:
    from spikereveal_plugin.demo.demo import run_demo

    run_demo(args.output, seed=args.seed, quick=args.quick, published=args.published)
