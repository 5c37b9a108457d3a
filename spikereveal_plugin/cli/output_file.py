"""The one rule for files that commands write: nothing that is there is replaced unasked, and no input ever."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from spikereveal_plugin.cli.arguments import Container, add_output


def add_output_file(parser: Container, metavar: str, about: str, *, is_required: bool = True) -> None:
    """Add `-o`, a file to write, and `--overwrite`."""
    add_output(parser, metavar, about, is_required=is_required)
    parser.add_argument('--overwrite', action='store_true', help='replace the file if it is there')


def claim(output: Path, inputs: Iterable[Path | str | None], args: argparse.Namespace) -> None:
    """Refuse to write where something lies that must stay.

    Args:
        output: the file to write.
        inputs: what the command reads, files and folders; names that are no paths do no harm.
        args: with `overwrite`.

    Raises:
        OptionError: `output` is an input or lies in one, is no regular file, or exists and `--overwrite` is not given.
    """
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.formats.inputs import is_input

    if not output.exists():
        return
    if is_input(output, inputs):
        raise OptionError(f'{output}: this command reads it, so it cannot write there; choose another name')
    if not output.is_file():
        kind = 'a folder' if output.is_dir() else 'no regular file'
        raise OptionError(f'{output} is {kind}; choose another name')
    if not args.overwrite:
        raise OptionError(f'{output} exists; replace it with --overwrite, or choose another name')


def claim_folder(output: Path, inputs: Iterable[Path | None]) -> None:
    """Refuse to make a data set where something is that the command reads.

    Args:
        output: the folder to make; what lies there is looked at when the work begins.
        inputs: files and folders that are read.

    Raises:
        OptionError: `output` is one of them, or holds one.
    """
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.formats.inputs import real

    there = real(output)
    for path in filter(None, inputs):
        if there == real(path) or there in real(path).parents:
            raise OptionError(f'{output}: this command reads {path}, so it cannot write there; choose another folder')
