"""`spikereveal demo`: the whole path in minutes, through the commands a user would type."""

import argparse
from pathlib import Path
from typing import Any

from spikereveal_plugin.cli.text import HelpFormatter

EXAMPLES = """examples:
  spikereveal demo
  spikereveal demo -o /tmp/demo

Makes a small data set from photographs, trains the three stages briefly, tests on photographs that were not trained on.
No download, no GPU; a few minutes on two cores. Every command is printed, and can be typed again in the demo's folder.
"""


def add_demo_parser(commands: Any) -> None:
    """Add `demo` to the sub-commands of `spikereveal`."""
    parser = commands.add_parser(
        'demo', help='see it work, in minutes', epilog=EXAMPLES, formatter_class=HelpFormatter, description=__doc__
    )
    parser.add_argument(
        '-o', '--output', '--out', type=Path, default=Path('spikereveal_demo'), help='folder for everything'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the data and the training')
    parser.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> None:
    from spikereveal_plugin.demo.demo import run_demo

    run_demo(args.output, seed=args.seed)
