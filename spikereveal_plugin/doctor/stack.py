"""Checks of the packages underneath: each trap that BasicSR 1.4.2 is known to set on today's stack, tried out."""

import importlib
import importlib.util
import multiprocessing
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from spikereveal_plugin import _compat
from spikereveal_plugin.doctor.finding import Finding, fail, fine, note
from spikereveal_plugin.errors import EnvironmentProblemError, SpikeRevealError

FEATURES = {'vgg16': 'vgg16-397923af.pth', 'alexnet': 'alexnet-owt-7be5be79.pth'}


def check_basicsr() -> Finding:
    """The release from PyPI, not one of the many folders named `basicsr` that other restorers bring along."""
    try:
        _compat.check_basicsr_is_the_release()
    except EnvironmentProblemError as error:
        problem, _, cure = str(error).partition('. ')
        return fail(problem, cure)
    spec = importlib.util.find_spec('basicsr')
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    if changed := _compat.release_differences(folder):
        listed = ', '.join(changed[:3])
        return note(
            f'basicsr {_compat.BASICSR_VERSION} in {folder}, of which {len(changed)} files differ from the release: '
            f'{listed}',
            f'for the release: pip install --force-reinstall --no-deps basicsr=={_compat.BASICSR_VERSION}',
        )
    return fine(f'basicsr {_compat.BASICSR_VERSION}, as released')


def check_functional_tensor() -> Finding:
    """`torchvision.transforms.functional_tensor`, which BasicSR imports and torchvision removed."""
    try:
        _compat.restore_functional_tensor()
        importlib.import_module('basicsr.data.degradations')
    except ImportError as error:
        return fail(
            f'BasicSR cannot be imported: {error}', 'pip install --upgrade --force-reinstall spikereveal_plugin'
        )
    return fine('BasicSR imports beside this torchvision')


def check_torchvision(torch_version: str | None = None, vision_version: str | None = None) -> Finding:
    """Torch 2.N goes with torchvision 0.(N + 15); another pair fails at the first operator, or at import."""
    torch, vision = (importlib.import_module(name) for name in ('torch', 'torchvision'))
    versions = torch_version or torch.__version__, vision_version or vision.__version__
    minors = [int(version.split('.')[1]) for version in versions]
    text = f'torch {versions[0]}, torchvision {versions[1]}'
    if minors[1] - minors[0] != 15:
        return fail(f'{text} do not belong together', f'pip install torchvision==0.{minors[0] + 15}.*')
    try:
        vision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except RuntimeError as error:
        return fail(f'{text}: {error}', 'reinstall both from the same index (pip install torch torchvision)')
    return fine(text)


def check_options() -> Finding:
    """BasicSR reads `2e-4` as text and lets an unknown key pass."""
    from spikereveal_plugin.options import check_keys, parse_yaml  # noqa: PLC0415

    try:
        check_keys({'lrr': 0}, {'lr'}, 'train')
    except SpikeRevealError:
        if parse_yaml('2e-4', 'doctor') == 2e-4:
            return fine('option files: 2e-4 is a number, unknown keys are refused')
    return fail('option files are read as BasicSR reads them', 'report this with the output of `pip freeze`')


def check_lmdb() -> Finding:
    """Write and read a record, in this process and in a forked worker; a missing key must be an error."""
    from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb, SpikeLmdbWriter  # noqa: PLC0415

    cure = 'put data sets on a local disk (not NFS or a FUSE mount); pip install --upgrade lmdb'
    spikes = np.eye(8, dtype=bool)[None]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'spike.lmdb')
        try:
            with SpikeLmdbWriter(path) as writer:
                writer.put('a', spikes, 0, 1)
            store = SpikeLmdb(path)
            is_read = np.array_equal(store.read('a'), spikes)
            is_forked = not hasattr(os, 'fork') or _read_in_a_fork(store)
        except (SpikeRevealError, OSError) as error:
            return fail(f'LMDB does not work: {error}', cure)
        try:
            store.read('gone')
        except SpikeRevealError:
            if is_read and is_forked:
                return fine('LMDB: written, read, and read in a forked worker')
    return fail('LMDB reads back something else than was written', cure)


def _read_in_a_fork(store: Any) -> bool:
    worker = multiprocessing.get_context('fork').Process(target=store.read, args=('a',))
    worker.start()
    worker.join(30)
    return worker.exitcode == 0


def check_checkpoints() -> Finding:
    """A write that fails must be an error; BasicSR only logs it."""
    from spikereveal_plugin.models.checkpoint import CheckpointError, save_checkpoint  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        try:
            save_checkpoint({}, Path(folder, 'gone', 'net.pth'))
        except CheckpointError:
            return fine('checkpoints: a failed write is an error')
    return fail('a checkpoint that cannot be written passes unnoticed', 'report this with the output of `pip freeze`')


def check_resume() -> Finding:
    """BasicSR resumes on CUDA only; here the random state goes through a file and back on any device."""
    import torch  # noqa: PLC0415

    from spikereveal_plugin.pipelines.random_state import random_state, set_random_state  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        torch.save(random_state(), path := Path(folder, '1.state'))
        first = torch.rand(3)
        set_random_state(torch.load(path, map_location='cpu', weights_only=True))
        if torch.equal(first, torch.rand(3)):
            return fine('resume: random numbers go on where they were')
    return fail('random numbers differ after a resume', 'report this with the output of `pip freeze`')


def check_launcher() -> Finding:
    """BasicSR's `--launcher` needs CUDA and refuses `--local-rank`; here a gloo group of one is formed."""
    import torch  # noqa: PLC0415
    import torch.distributed as dist  # noqa: PLC0415

    if not dist.is_available() or not dist.is_gloo_available():
        return note('this torch trains in one process only', 'install the torch of pytorch.org')
    if dist.is_initialized():
        return fine('several processes: in a group now')
    with tempfile.TemporaryDirectory() as folder:
        try:
            dist.init_process_group('gloo', init_method=f'file://{folder}/store', rank=0, world_size=1)
            dist.all_reduce(torch.ones(1))
            dist.destroy_process_group()
        except RuntimeError as error:
            cure = 'set GLOO_SOCKET_IFNAME to a network interface (see `ip address`), and let the host name resolve'
            return note(f'gloo cannot form a group: {" ".join(str(error).split())[:120]}', cure)
    backends = 'gloo and NCCL' if dist.is_nccl_available() and torch.cuda.is_available() else 'gloo'
    return fine(f'several processes: {backends}')


def check_lpips(cache: Path | None = None) -> Finding:
    """The backbone of the published loss, which is downloaded at first use."""
    import torch  # noqa: PLC0415

    folder = cache or Path(torch.hub.get_dir()) / 'checkpoints'
    missing = [name for name, file in FEATURES.items() if not (folder / file).is_file()]
    if not missing:
        return fine(f'LPIPS: backbones in {folder}')
    cure = 'train once with network, or set train.distill_opt.backbone_path to a file of the weights'
    return note(f'LPIPS: {" and ".join(missing)} not in {folder}, will be downloaded', cure)


def check_liqe() -> Finding:
    """LIQE (RSB's score) imports `pkg_resources.packaging`, gone in setuptools 82."""
    for name in ('pyiqa', 'clip'):
        if importlib.util.find_spec(name) is None:
            return note(f'LIQE: the package {name} is missing', 'pip install pyiqa')
    try:
        with _compat.pkg_resources_with_packaging():
            getattr(importlib.import_module('pkg_resources'), 'packaging')  # noqa: B009
    except (ImportError, AttributeError) as error:
        return note(f'LIQE: {error}', "pip install 'setuptools<82' packaging")
    return fine('LIQE: pkg_resources.packaging is lent to it')
