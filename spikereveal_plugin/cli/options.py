"""`spikereveal options`: the option files that come along."""

import argparse
from pathlib import Path

from spikereveal_plugin.cli.output_file import add_output_file, claim
from spikereveal_plugin.cli.text import HelpFormatter, write_lines

_EXAMPLES = """examples:
  spikereveal options list
  spikereveal options copy ldn_gopro -o mine.yml
  basicsr train -opt options/ldn_gopro.yml        # found from any folder
"""


def add_options_parser(commands: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `options`."""
    parser = commands.add_parser(
        'options', help='list or copy the option files', description=__doc__, epilog=_EXAMPLES,
        formatter_class=HelpFormatter,
    )  # fmt: skip
    verbs = parser.add_subparsers(dest='verb', required=True, metavar='{list,copy}')
    listing = verbs.add_parser('list', help='names, and what each begins with saying', formatter_class=HelpFormatter)
    listing.set_defaults(run=_list)
    copy = verbs.add_parser('copy', help='copy one, to change it', epilog=_EXAMPLES, formatter_class=HelpFormatter)
    copy.add_argument('name', metavar='NAME', help='a name of the list, with or without .yml')
    add_output_file(copy, 'FILE', 'option file to write')
    copy.set_defaults(run=_copy)


def _list(args: argparse.Namespace) -> None:
    from spikereveal_plugin.option_files import list_option_files, option_folder

    names = list_option_files()
    width = max(map(len, names))
    write_lines(f'{name:{width}}  {_about(option_folder() / name)}' for name in names)


def _about(path: Path) -> str:
    """The first line of its comment."""
    first = path.read_text(encoding='utf-8').partition('\n')[0]
    return first.removeprefix('#').strip() if first.startswith('#') else ''


def _copy(args: argparse.Namespace) -> None:
    from spikereveal_plugin.formats.atomic import write_atomically
    from spikereveal_plugin.option_files import FOLDER, find_option_file

    name = args.name.removeprefix(f'{FOLDER}/').removesuffix('.yml')
    source = find_option_file(Path(FOLDER, f'{name}.yml'))
    claim(args.output, [source], args)
    write_atomically(args.output, source.read_bytes())
