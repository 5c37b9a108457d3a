"""`spikereveal weights`: bring in weights that were trained elsewhere."""

import argparse
import logging
from pathlib import Path
from typing import Any

from spikereveal_plugin.cli.text import HelpFormatter

EXAMPLES = """examples:
  spikereveal weights import --from ssdm ckpts/ldn.pth -o weights/ldn_ssdm.pth
  basicsr test -opt options/test_ldn_gopro.yml --force_yml \\
      path:pretrain_network_g=weights/ldn_ssdm.pth 'val:methods=[blur, sdm, ldn]'

The result holds RGB weights under the key `params`, as BasicSR's load_network reads them.
"""


def add_weights_parser(commands: Any) -> None:
    """Add `weights import` to the sub-commands of `spikereveal`."""
    weights = commands.add_parser('weights', help='import weights', formatter_class=HelpFormatter, epilog=EXAMPLES)
    actions = weights.add_subparsers(dest='action', required=True, metavar='{import}')
    importer = actions.add_parser(
        'import', help="convert a checkpoint of the authors' code", formatter_class=HelpFormatter, epilog=EXAMPLES
    )
    importer.add_argument(
        'source', type=Path, metavar='FILE', help='a checkpoint of BSN, EDSR or LDN; which one is found out'
    )
    importer.add_argument(
        '--from', dest='origin', choices=['ssdm'], required=True, help="whose: ssdm, the authors' code"
    )
    importer.add_argument('-o', '--output', type=Path, required=True, metavar='OUT.pth', help='where to write')
    importer.set_defaults(run=_import)


def _import(args: argparse.Namespace) -> None:
    from spikereveal_plugin.archs.convert import import_ssdm  # noqa: PLC0415

    name = import_ssdm(args.source, args.output)
    logging.getLogger('spikereveal').info(f'{args.output}: {name}, converted from {args.source}')
