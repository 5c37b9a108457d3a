"""Checks of the machine: GPU, memory for workers, disk, threads, videos."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from spikereveal_plugin.doctor.finding import Finding, fail, fine, note
from spikereveal_plugin.errors import SpikeRevealError

GIGABYTE = 1e9


def check_cuda(driver: Path = Path('/dev/nvidiactl')) -> Finding:
    """A GPU that the driver has and torch does not see is a mistake; none at all is slow."""
    import torch  # noqa: PLC0415

    if torch.cuda.is_available():
        names = ', '.join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        return fine(f'CUDA {torch.version.cuda}: {names}')
    if driver.exists():
        kind = 'was built without CUDA' if torch.version.cuda is None else f'wants CUDA {torch.version.cuda}'
        return fail(
            f'there is an NVIDIA driver, and this torch ({kind}) sees no GPU', 'install the torch of pytorch.org'
        )
    return note('no GPU: training runs on the CPU', 'use options/*_sample.yml, or a machine with a GPU')


def check_shared_memory(folder: Path = Path('/dev/shm')) -> Finding:
    """Workers hand batches over in shared memory; a container's 64 MB end in a bus error."""
    if not folder.is_dir():
        return note(f'{folder}: absent; workers may not start', 'set datasets.train.num_worker_per_gpu to 0')
    free = shutil.disk_usage(folder).free
    if free < GIGABYTE:
        cure = 'docker run --shm-size 8g (or --ipc host), or datasets.train.num_worker_per_gpu: 0'
        return fail(f'{folder}: {free / GIGABYTE:.2f} GB free for batches of workers', cure)
    return fine(f'{folder}: {free / GIGABYTE:.0f} GB for batches of workers')


def check_folder(folder: Path | None = None) -> Finding:
    """Outputs go under the current folder."""
    here = folder or Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=here):
            pass
    except OSError as error:
        return fail(f'{here} cannot be written: {error.strerror}', 'cd to a folder of yours; outputs go under it')
    return fine(f'{here} can be written')


def check_disk(folder: Path | None = None) -> Finding:
    """Space for checkpoints and data sets."""
    here = folder or Path.cwd()
    free = shutil.disk_usage(here).free
    if free < GIGABYTE:
        return fail(f'{here}: {free / GIGABYTE:.2f} GB free', 'free some space, or set logger.keep_last to a few')
    if free < 20 * GIGABYTE:
        return note(f'{here}: {free / GIGABYTE:.0f} GB free; GOPRO takes about 20', 'build large sets elsewhere')
    return fine(f'{here}: {free / GIGABYTE:.0f} GB free')


def check_threads() -> Finding:
    """More threads than cores makes a CPU several times slower."""
    import torch  # noqa: PLC0415

    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    threads = torch.get_num_threads()
    if threads > cores:
        return note(f'{threads} threads on {cores} cores', f'export OMP_NUM_THREADS={cores}')
    return fine(f'{threads} threads on {cores} cores')


def check_video() -> Finding:
    """Write and read back a video of two frames."""
    from spikereveal_plugin.visual.video import save_video  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        try:
            save_video(Path(folder, 'x.mp4'), iter([np.zeros((32, 32, 3), np.uint8)] * 2))
        except SpikeRevealError as error:
            return fail(f'no video can be written: {error}', 'pip install --force-reinstall opencv-python')
    tool = 'and ffmpeg' if shutil.which('ffmpeg') else '(no ffmpeg; not needed)'
    return fine(f'videos: OpenCV writes and reads MP4 {tool}')
