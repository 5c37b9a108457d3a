"""`spikereveal weights`: what weights there are, and how to bring in or wrap up others."""

import argparse
import logging
from pathlib import Path
from typing import Any

from spikereveal_plugin.cli.text import HelpFormatter

EXAMPLES = """examples:
  spikereveal weights list
  spikereveal weights import --from ssdm ckpts/ldn.pth -o weights/ldn_ssdm.pth
  spikereveal deblur photo.png spikes.dat -o sharp --weights weights/ldn_ssdm.pth
  basicsr test -opt options/test_ldn_gopro.yml --force_yml \\
      path:pretrain_network_g=weights/ldn_ssdm.pth 'val:methods=[blur, sdm, ldn]'

The result holds RGB weights under the key `params`, as BasicSR's load_network reads them.
"""
PACK_EXAMPLES = """examples:
  spikereveal weights pack experiments/ldn/models/net_g_latest.pth -o ldn-mine.pth --threshold 2

The result holds `params` and a `card`: the network, the threshold of the spike camera it was trained on, and whether it
wants spikes normalised to that (`--density auto`). Its entry for a registry.json is printed.
"""


def add_weights_parser(commands: Any) -> None:
    """Add `weights list`, `import` and `pack` to the sub-commands of `spikereveal`."""
    weights = commands.add_parser(
        'weights', help='list, import and pack weights', formatter_class=HelpFormatter, epilog=EXAMPLES
    )
    actions = weights.add_subparsers(dest='action', required=True, metavar='{list,import,pack}')
    lister = actions.add_parser(
        'list', help='names that --weights takes', formatter_class=HelpFormatter, epilog=EXAMPLES
    )
    lister.set_defaults(run=_list)
    _add_import(actions)
    _add_pack(actions)


def _add_import(actions: Any) -> None:
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


def _add_pack(actions: Any) -> None:
    packer = actions.add_parser(
        'pack', help='give a checkpoint its card', formatter_class=HelpFormatter, epilog=PACK_EXAMPLES
    )
    packer.add_argument('source', type=Path, metavar='FILE', help='a checkpoint of `basicsr train`')
    packer.add_argument('-o', '--output', type=Path, required=True, metavar='OUT.pth', help='where to write')
    packer.add_argument('--type', default='LDN', metavar='ARCH', help='registered network')
    packer.add_argument('--threshold', type=float, default=1.0, help="of the training data's spike camera")
    packer.add_argument('--density', choices=['auto', '1.0'], default='1.0', help='auto: trained on normalised spikes')
    packer.add_argument('--summary', default='', help='one line for `weights list`')
    packer.set_defaults(run=_pack)


def _list(args: argparse.Namespace) -> None:
    from spikereveal_plugin.inference.registry import list_weights  # noqa: PLC0415

    log, known = logging.getLogger('spikereveal'), list_weights()
    if not known:
        log.info("this version brings no weights along; `spikereveal weights import` brings in the authors'")
    for entry in known.values():
        size = entry.checked_path().stat().st_size / 2**20
        log.info('%-16s %6.2f MB  %s  (%s)', entry.name, size, entry.summary, entry.card)


def _import(args: argparse.Namespace) -> None:
    from spikereveal_plugin.archs.convert import import_ssdm  # noqa: PLC0415

    name = import_ssdm(args.source, args.output)
    logging.getLogger('spikereveal').info(f'{args.output}: {name}, converted from {args.source}')


def _pack(args: argparse.Namespace) -> None:
    import json  # noqa: PLC0415

    from spikereveal_plugin.inference.outputs import writing  # noqa: PLC0415
    from spikereveal_plugin.inference.registry import sha256_of  # noqa: PLC0415
    from spikereveal_plugin.inference.weights import pack_checkpoint  # noqa: PLC0415

    density = args.density if args.density == 'auto' else float(args.density)
    with writing(args.output):
        pack_checkpoint(args.source, args.output, network=args.type, threshold=args.threshold, density=density)
    name = args.output.stem
    entry = {'file': args.output.name, 'sha256': sha256_of(args.output), 'card': f'{name}.md', 'summary': args.summary}
    logging.getLogger('spikereveal').info('%s', json.dumps({name: entry}, indent=2))
