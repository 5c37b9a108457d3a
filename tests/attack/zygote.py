"""A process that has imported all of the package and forks for each command: thousands of commands take minutes.

Reads a request a line from standard input, as JSON, and answers with one: exit code (negative for a signal), seconds,
and what was said on both outputs.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from typing import Any

import cv2
import torch

from spikereveal_plugin.cli import basicsr, spikereveal
from spikereveal_plugin.registration import register

MAINS = {'spikereveal': spikereveal.main, 'basicsr': basicsr.main}
TIMED_OUT = 999


def child(request: dict[str, Any], outputs: tuple[int, int]) -> int:
    for number, descriptor in enumerate(outputs, start=1):
        os.dup2(descriptor, number)
    os.chdir(request['folder'])
    if size := request.get('file_size'):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    if memory := request.get('memory'):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if calls := request.get('kill_after'):
        kill_after(calls)
    name, *words = request['words']
    try:
        code = MAINS[name](words)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001  what a user would see
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def kill_after(calls: int) -> None:
    """Kill this process at its n-th call that changes the disk."""
    left = [calls]

    def watch(event: str, _: tuple[Any, ...]) -> None:
        if event in CHANGES:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


CHANGES = {'os.rename', 'os.remove', 'os.mkdir', 'os.rmdir', 'os.link', 'os.truncate', 'shutil.rmtree', 'open'}


def serve(request: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = child(request, (out.fileno(), err.fileno()))
            finally:
                os._exit(code)
        code = wait_for(pid, request.get('seconds', 60))
        seconds = time.monotonic() - started
        texts = {}
        for name, file in (('out', out), ('err', err)):
            file.seek(0)
            texts[name] = file.read().decode(errors='replace')[-20000:]
    return {'code': code, 'seconds': seconds, **texts}


def wait_for(pid: int, seconds: float) -> int:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return TIMED_OUT


def main() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    register()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(serve(json.loads(line))) + '\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()
