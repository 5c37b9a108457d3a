"""`spikereveal data merge`: the shards of one build, joined."""

import argparse
from pathlib import Path

from spikereveal_plugin.cli.arguments import add_out, add_verb
from spikereveal_plugin.cli.output_file import claim_folder

_EXAMPLES = """examples:
  spikereveal data simulate clips --shard 1/2 -o parts/1
  spikereveal data simulate clips --shard 2/2 -o parts/2
  spikereveal data merge parts/* -o datasets/clips

The result is what one build without --shard would have made, byte for byte. All parts must be there, made by the same
command and versions. The parts are left as they are.
"""


def add_data_merge_parser(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `merge`."""
    parser = add_verb(verbs, 'merge', 'join the parts that --shard made on several machines', _EXAMPLES)
    parser.add_argument('parts', nargs='+', type=Path, metavar='PART', help='folders of all shards of one build')
    add_out(parser)
    parser.add_argument('--overwrite', action='store_true', help='replace the data set if DIR holds one')
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from spikereveal_plugin.building.merge_sets import merge_sets  # --help must not wait for torch
    from spikereveal_plugin.recordings.manifest import set_of

    parts = list(dict.fromkeys(set_of(part) for part in args.parts))
    claim_folder(args.output, parts)
    merge_sets(parts, args.output, overwrite=args.overwrite)
