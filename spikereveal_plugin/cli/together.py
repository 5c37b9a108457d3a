"""A command in one of several processes: an error of any ends all, and is said once."""

import argparse
import os
import sys
from collections.abc import Callable

from spikereveal_plugin.cli.run import run


def run_together(command: Callable[[argparse.Namespace], None], args: argparse.Namespace, *, debug: bool) -> int:
    """As `run`; the first process to fail says why, and those that fail because of it end in silence with 1."""
    if args.launcher == 'none':
        return run(command, args, debug=debug)
    code = run(command, args, debug=debug, say=_say_once)
    from spikereveal_plugin.models.collective import is_together  # --help must not wait for torch
    from spikereveal_plugin.pipelines.distributed import leave

    if not is_together():
        return code
    if code:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # to leave in order would be to wait for processes that wait for this one
    leave()
    return 0


def _say_once(text: str) -> None:
    if _is_first_to_fail():
        sys.stderr.write(text)


def _is_first_to_fail() -> bool:
    from spikereveal_plugin.pipelines.distributed import is_first_to_fail

    return is_first_to_fail()
