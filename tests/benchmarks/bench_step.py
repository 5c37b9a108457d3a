"""The student's training step against the authors' way, in one run: python tests/benchmarks/bench_step.py [--published]

The authors' way, written from the paper: whole files decoded for an item; for each instant the teacher with its long
rate anew, the student anew, LPIPS with a graph of all instants, NCHW, float32. Each row runs in processes of its own,
and its memory is their peak above what they held before. Weights are random: timing needs no others.
Seconds are the processor's (`process_time`) at one thread, which a busy machine disturbs less, and wall time at more.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchvision
from bench_data import item_by_whole_files, make_files
from lpips import LPIPS
from torch.nn import functional as F

import spikereveal_plugin  # noqa: F401  makes `import basicsr` work
from spikereveal_plugin.archs import BSN, LDN, SpikeEDSR

INSTANTS = (20, 44, 68, 92, 116)
LIGHT = {'type': 'L1Loss'}


def make_weights(folder: Path) -> None:
    """Random weights of the teacher, and of VGG16 in torchvision's layout."""
    torch.manual_seed(0)
    torch.save({'params': BSN().state_dict()}, folder / 'bsn.pth')
    torch.save({'params': SpikeEDSR().state_dict()}, folder / 'sr.pth')
    features = torchvision.models.vgg16(weights=None).features.state_dict()
    torch.save({f'features.{key}': value for key, value in features.items()}, folder / 'vgg.pth')


def make_batch(crop: int, size: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    return {
        'lq': torch.rand(size, 3, crop, crop, generator=generator),
        'spike': (torch.rand(size, 137, crop // 4, crop // 4, generator=generator) < 0.4).byte(),
        'exposure': torch.tensor([[20, 97]] * size),
        'teacher_gain': torch.rand(size, 5, crop, crop, generator=generator) + 0.5,
        'teacher_instants': torch.tensor([INSTANTS] * size),
    }


def authors_teacher(bsn: BSN, edsr: SpikeEDSR, blur: torch.Tensor, spikes: torch.Tensor, t: int) -> torch.Tensor:
    with torch.no_grad():
        long = edsr(spikes[:, 20:117].mean(1, keepdim=True)).clamp(0, 1)
        short = edsr(bsn(spikes[:, t - 4 : t + 5].mean(1, keepdim=True)).clamp(0, 1)).clamp(0, 1)
        return torch.where(long == 0, 0, blur * short / long).clamp(0, 1)


def authors_step(folder: Path, batch: dict[str, Any], loss: str) -> Callable[[], object]:
    bsn, edsr, student = BSN(square_padding=True).eval(), SpikeEDSR().eval(), LDN()
    optimizer = torch.optim.Adam(student.parameters(), 1e-3)
    lpips = LPIPS(net='vgg', pnet_rand=True, verbose=False).requires_grad_(False) if loss == 'vgg' else None

    def step() -> None:
        blur, spikes = batch['lq'], batch['spike'].float()
        frames, losses = [], []
        for t in INSTANTS:
            target = authors_teacher(bsn, edsr, blur, spikes, t)
            frames.append(student(blur, spikes[:, t - 10 : t + 11]).clamp(0, 1))
            losses.append(lpips(frames[-1], target).mean() if lpips else F.l1_loss(frames[-1], target))
        total = sum(losses) / len(INSTANTS) + 100 * F.mse_loss(torch.stack(frames).mean(0), blur)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()

    return step


def our_step(folder: Path, batch: dict[str, Any], loss: str, teacher: str, amp: str | None) -> Callable[[], object]:
    from basicsr.models import build_model

    vgg = {'type': 'LPIPSLoss', 'net': 'vgg', 'backbone_path': str(folder / 'vgg.pth')}
    train = {
        'optim_g': {'type': 'Adam', 'lr': 1e-3},
        'scheduler': {'type': 'CosineAnnealingRestartLR'},
        'total_iter': 100,
        'distill_opt': vgg if loss == 'vgg' else LIGHT,
        'reblur_opt': {'type': 'ReblurLoss'},
        'amp': amp,
    }
    opt = {'model_type': 'SpikeDistillModel', 'is_train': True, 'dist': False, 'rank': 0, 'num_gpu': 0, 'datasets': {}}
    opt |= {'network_g': {'type': 'LDN'}, 'network_bsn': {'type': 'BSN'}, 'network_sr': {'type': 'SpikeEDSR'}}
    opt['path'] = {f'pretrain_network_{key}': str(folder / f'{key}.pth') for key in ('bsn', 'sr')}
    model = build_model({**opt, 'train': train})
    model.is_teacher_cached = teacher == 'cache'

    def step() -> None:
        model.feed_data(batch)
        model.optimize_parameters(1)

    return step


def our_teacher(folder: Path, batch: dict[str, Any]) -> Callable[[], object]:
    from spikereveal_plugin.models.teacher import Teacher
    from spikereveal_plugin.physics.exposure import Exposure

    teacher = Teacher(BSN(), SpikeEDSR(), 9).to(memory_format=torch.channels_last)
    return lambda: teacher(batch['lq'], batch['spike'], Exposure(20, 97), INSTANTS)


def work_of(name: str, folder: Path, crop: int, size: int) -> Callable[[], object]:
    """What a row of the table does once; `name` is `whose what [how]`."""
    whose, what, *how = name.split()
    if what == 'item':
        dataset = make_files(folder)
        return (lambda: item_by_whole_files(folder)) if whose == 'authors' else (lambda: dataset[0])
    make_weights(folder)
    batch = make_batch(crop, size)
    if what == 'teacher' and whose == 'authors':
        bsn, edsr = BSN(square_padding=True).eval(), SpikeEDSR().eval()
        spikes = batch['spike'].float()
        return lambda: [authors_teacher(bsn, edsr, batch['lq'], spikes, t) for t in INSTANTS]
    if what == 'teacher':
        return our_teacher(folder, batch)
    if whose == 'authors':
        return authors_step(folder, batch, what)
    return our_step(folder, batch, what, how[0], how[1] if len(how) > 1 else None)


def measure(name: str, threads: int, crop: int, size: int, repeats: int) -> None:
    """Print seconds and peak megabytes above what the process held before, as JSON; run in a process of its own."""
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        work = work_of(name, Path(folder), crop, size)
        held = current_megabytes()
        Path('/proc/self/clear_refs').write_text('5')  # resets the peak
        times = []
        for _ in range(repeats):
            started = clock()
            work()
            times.append(clock() - started)
    peak = int(next(line for line in Path('/proc/self/status').read_text().splitlines() if 'VmHWM' in line).split()[1])
    total = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({'seconds': statistics.median(times), 'peak': peak / 1024 - held, 'total': total}))


def current_megabytes() -> float:
    return int(Path('/proc/self/statm').read_text().split()[1]) * resource.getpagesize() / 2**20


def in_process(name: str, threads: int, args: argparse.Namespace, repeats: int) -> dict[str, float]:
    size = (args.crop, args.batch)
    command = [sys.executable, __file__, '--only', name, '--threads', str(threads), '--repeats', str(repeats)]
    command += ['--crop', str(size[0]), '--batch', str(size[1])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def gemm_peak(threads: int) -> float:
    """GFLOP a second of a large float32 matrix product here, the best of several."""
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    a, b, best = torch.rand(1536, 1536), torch.rand(1536, 1536), 0.0
    for _ in range(8):
        started = clock()
        a @ b
        best = max(best, 2 * 1536**3 / (clock() - started) / 1e9)
    return best


def count_gflop(name: str, crop: int, size: int) -> float:
    """GFLOP of the convolutions of one row, counted by PyTorch."""
    from torch.utils.flop_counter import FlopCounterMode

    with tempfile.TemporaryDirectory() as folder, FlopCounterMode(display=False) as counter:
        work_of(name, Path(folder), crop, size)()
    return counter.get_total_flops() / 1e9


ROWS = (
    ('one item, crop 512', 'authors item', 'here item'),
    ('teacher, five instants', 'authors teacher', 'here teacher'),
    ('step, LPIPS-VGG, teacher online', 'authors vgg', 'here vgg online'),
    ('step, LPIPS-VGG, teacher cached', 'authors vgg', 'here vgg cache'),
    ('step, LPIPS-VGG, cached, bf16', 'authors vgg', 'here vgg cache bf16'),
    ('step, L1, teacher cached', 'authors l1', 'here l1 cache'),
)


def table(args: argparse.Namespace) -> None:
    flops = {name: count_gflop(name, 32, 1) for _, _, name in ROWS if 'item' not in name}
    for threads in args.thread_counts:
        peak = gemm_peak(threads)
        print(f'\n{threads} thread(s), crop {args.crop}, batch {args.batch}; GEMM peak {peak:.0f} GFLOP/s\n')
        print("| what | authors' way | here | ratio | peak memory, authors' | here | ratio | share of GEMM peak |")
        print('| --- | --- | --- | --- | --- | --- | --- | --- |')
        results: dict[str, dict[str, float]] = {}
        for title, theirs, ours in ROWS:
            for name in (theirs, ours):
                if name not in results:
                    results[name] = in_process(name, threads, args, 9 if 'item' in name else args.repeats)
            their, our = results[theirs], results[ours]
            unit, factor = ('ms', 1000) if 'item' in title else ('s', 1)
            gflop = flops.get(ours, 0) * (args.crop / 32) ** 2 * args.batch
            share = f'{100 * gflop / our["seconds"] / peak:.0f} %' if gflop else '-'
            print(
                f'| {title} | {factor * their["seconds"]:.3g} {unit} | {factor * our["seconds"]:.3g} {unit} | '
                f'{their["seconds"] / our["seconds"]:.1f}x | {their["peak"]:.0f} MB | {our["peak"]:.0f} MB | '
                f'{their["peak"] / max(our["peak"], 0.1):.1f}x | {share} |',
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--published', action='store_true', help='crop 512 and batch 4: minutes a step')
    parser.add_argument('--crop', type=int, default=256)
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=1, help='of a step; the median is shown')
    parser.add_argument('--thread-counts', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--only', help='one row, as JSON; the table runs these')
    parser.add_argument('--threads', type=int, default=1)
    args = parser.parse_args()
    if args.published:
        args.crop, args.batch = 512, 4
    if args.only:
        measure(args.only, args.threads, args.crop, args.batch, args.repeats)
    else:
        table(args)


if __name__ == '__main__':
    main()
