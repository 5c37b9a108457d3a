"""`spikereveal data`: one line a verb; each verb has a module of its own."""

import argparse

from spikereveal_plugin.cli.data.align import add_data_align_parser
from spikereveal_plugin.cli.data.import_set import add_data_import_parser
from spikereveal_plugin.cli.data.inspect import add_data_inspect_parser
from spikereveal_plugin.cli.data.merge import add_data_merge_parser
from spikereveal_plugin.cli.data.play import add_data_play_parser
from spikereveal_plugin.cli.data.sample import add_data_sample_parser
from spikereveal_plugin.cli.data.simulate import add_data_simulate_parser
from spikereveal_plugin.cli.data.teach import add_data_teach_parser
from spikereveal_plugin.cli.data.verify import add_data_verify_parser


def add_data_parser(subparsers: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `data` with its verbs; each sets `run`, which takes the parsed arguments."""
    parser = subparsers.add_parser('data', help='make and look into data sets')
    verbs = parser.add_subparsers(title='commands', required=True, metavar='COMMAND')
    add_data_simulate_parser(verbs)
    add_data_import_parser(verbs)
    add_data_inspect_parser(verbs)
    add_data_align_parser(verbs)
    add_data_play_parser(verbs)
    add_data_sample_parser(verbs)
    add_data_merge_parser(verbs)
    add_data_verify_parser(verbs)
    add_data_teach_parser(verbs)
