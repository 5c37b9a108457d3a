"""`spikereveal data verify`: is a data set whole, unchanged, and fit to train and test on?"""

import argparse
from pathlib import Path

from spikereveal_plugin.cli.arguments import add_verb
from spikereveal_plugin.cli.text import write_lines

_EXAMPLES = """examples:
  spikereveal data verify datasets/GOPRO

What is checked: missing and extra files and keys; the checksum of each file and record; that each record can be read;
that gray blur and firing rate of each sample correlate, far-off samples are listed; that nothing of the test split is
in the training split, under another name too. Exit code 1, and a list, when something is wrong.
"""


def add_data_verify_parser(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `verify`."""
    parser = add_verb(verbs, 'verify', 'check every file, record and sample of a data set', _EXAMPLES)
    parser.add_argument('root', type=Path, metavar='DIR', help='a data set, or a folder in it')
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from spikereveal_plugin.errors import SpikeDataError
    from spikereveal_plugin.inspecting.verify import verify_set  # --help must not wait for torch
    from spikereveal_plugin.recordings.manifest import set_of

    root = set_of(args.root)
    if root != args.root:
        write_lines([f'{args.root} is a part of {root}, which is verified whole'])
    report = verify_set(root)
    write_lines((*report.facts, *(f'- {problem}' for problem in report.problems)))
    if count := len(report.problems):
        raise SpikeDataError(f'{root}: {count} problem{"s" if count > 1 else ""} found, listed on standard output')
    write_lines([f'{root}: no problem found'])
