"""The student's training step against the authors' way, in one run: python tests/benchmarks/bench_step.py [--published]

The authors' way, written from the paper: whole files decoded for an item; for each instant the teacher with its long
rate again, the student again, LPIPS with a graph of all instants, NCHW, float32. Each row runs in processes of its own,
and its memory is their peak above what they held before. Weights are random: timing needs no others.
Seconds are the processor's (`process_time`) at one thread, which a busy machine disturbs less, and wall time at more:
the median of three, or of as many as PATIENCE allows. Each result is printed as it is measured, the tables at the end.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from step_work import work_of

from spikereveal_plugin.inference.engines.staged import has_bf16

PATIENCE = 8.0  # seconds; no further repetition of a row begins after that
LIMIT = 100.0  # seconds of a row's process; beyond it the row is given up


def measure(name: str, threads: int, crop: int, size: int, repeats: int) -> None:
    """Print seconds and peak megabytes above what the process held before, as JSON; run in a process of its own."""
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        work = work_of(name, Path(folder), crop, size)
        held = current_megabytes()
        Path('/proc/self/clear_refs').write_text('5')  # resets the peak
        times, begun = [], time.perf_counter()
        while len(times) < repeats and (not times or time.perf_counter() - begun < PATIENCE):
            started = clock()
            work()
            times.append(clock() - started)
    peak = int(next(line for line in Path('/proc/self/status').read_text().splitlines() if 'VmHWM' in line).split()[1])
    result = {'seconds': statistics.median(times), 'peak': max(peak / 1024 - held, 0.1), 'times': len(times)}
    print(json.dumps(result))


def current_megabytes() -> float:
    return int(Path('/proc/self/statm').read_text().split()[1]) * resource.getpagesize() / 2**20


def in_process(name: str, threads: int, args: argparse.Namespace) -> dict[str, float] | None:
    """What `measure` prints, or None where the row failed or took too long, which is said."""
    repeats = 9 if 'item' in name else args.repeats
    command = [sys.executable, __file__, '--only', name, '--threads', str(threads), '--repeats', str(repeats)]
    command += ['--crop', str(args.crop), '--batch', str(args.batch)]
    try:
        limit = None if args.published else LIMIT
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        print(f'{name}: given up after {LIMIT:.0f} s', flush=True)
        return None
    except subprocess.CalledProcessError as error:
        print(f'{name}: failed: {(error.stderr.strip().splitlines() or ["no message"])[-1]}', flush=True)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def gemm_peak(threads: int, dtype: torch.dtype) -> float:
    """GFLOP a second of a large matrix product here, the best of several."""
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    side, best, begun = 1024, 0.0, time.perf_counter()
    a, b = torch.rand(side, side).to(dtype), torch.rand(side, side).to(dtype)
    while best == 0 or time.perf_counter() - begun < 2:
        started = clock()
        a @ b
        best = max(best, 2 * side**3 / max(clock() - started, 1e-9) / 1e9)
    return best


def count_gflop(name: str) -> float:
    """GFLOP of the convolutions of one row for each pixel of its batch, counted by PyTorch."""
    from torch.utils.flop_counter import FlopCounterMode

    if 'item' in name:
        return 0
    with tempfile.TemporaryDirectory() as folder, FlopCounterMode(display=False) as counter:
        work_of(name.removesuffix(' bf16'), Path(folder), 32, 1)()
    return counter.get_total_flops() / 1e9 / 32**2


ROWS = (
    ('one item, crop 512', 'authors item', 'here item'),
    ('teacher, five instants', 'authors teacher', 'here teacher'),
    ('step, L1, teacher cached', 'authors l1', 'here l1 cache'),
    ('step, L1, cached, bf16', 'authors l1', 'here l1 cache bf16'),
    ('step, LPIPS-VGG, teacher online', 'authors vgg', 'here vgg online'),
    ('step, LPIPS-VGG, teacher cached', 'authors vgg', 'here vgg cache'),
    ('step, LPIPS-VGG, cached, bf16', 'authors vgg', 'here vgg cache bf16'),
)


def rows() -> tuple[tuple[str, str, str], ...]:
    """The rows that mean something here: bf16 only where the processor multiplies it."""
    return ROWS if has_bf16(torch.device('cpu')) else tuple(row for row in ROWS if 'bf16' not in row[0])


Results = dict[str, dict[str, float] | None]


def measure_all(threads: int, args: argparse.Namespace, counts: dict[str, float]) -> tuple[str, Results]:
    """Measure what each row needs once, saying so; returns the table's title too."""
    peaks = {'': gemm_peak(threads, torch.float32), 'bf16': gemm_peak(threads, torch.bfloat16)}
    peaks['bf16'] = max(peaks.values())  # without bf16 units a product in it is far slower than in float32
    title = f'{threads} thread(s), crop {args.crop}, batch {args.batch}; GEMM peak {peaks[""]:.0f} GFLOP/s'
    title += f' in float32, {peaks["bf16"]:.0f} in bfloat16'
    print(f'\n{title}', flush=True)
    results: Results = {}
    for name in dict.fromkeys(name for _, *pair in rows() for name in pair):
        if (found := in_process(name, threads, args)) is not None:
            gflop = counts[name] * args.crop**2 * args.batch
            found['share'] = gflop / found['seconds'] / peaks['bf16' if name.endswith('bf16') else '']
            times = f'{found["times"]} time{"s" if found["times"] > 1 else ""}'
            print(f'{name}: {found["seconds"]:.3g} s ({times}), {found["peak"]:.0f} MB, {shown(found)}', flush=True)
        results[name] = found
    return title, results


def shown(result: dict[str, float]) -> str:
    """The share of the GEMM peak; - where nothing is multiplied."""
    return f'{100 * result["share"]:.0f} %' if result['share'] else '-'


def table(title: str, results: Results) -> None:
    print(f'\n{title}\n')
    print(
        "| what | authors' way | here | ratio | memory, authors' | here | ratio | of the GEMM peak, authors' | here |"
    )
    print('| --- | --- | --- | --- | --- | --- | --- | --- | --- |')
    for name, theirs, ours in rows():
        their, our = results[theirs], results[ours]
        if their is None or our is None:
            print(f'| {name} | not measured | | | | | | | |')
            continue
        unit, factor = ('ms', 1000) if 'item' in name else ('s', 1)
        print(
            f'| {name} | {factor * their["seconds"]:.3g} {unit} | {factor * our["seconds"]:.3g} {unit} | '
            f'{their["seconds"] / our["seconds"]:.1f}x | {their["peak"]:.0f} MB | {our["peak"]:.0f} MB | '
            f'{their["peak"] / our["peak"]:.1f}x | {shown(their)} | {shown(our)} |'
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--published', action='store_true', help='crop 512 and batch 4: minutes a step')
    parser.add_argument('--crop', type=int, default=256)
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=3, help='of a step, at most; the median is shown')
    parser.add_argument('--thread-counts', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--only', help='one row, as JSON; the table runs these')
    parser.add_argument('--threads', type=int, default=1)
    args = parser.parse_args()
    if args.published:
        args.crop, args.batch = 512, 4
    if args.only:
        measure(args.only, args.threads, args.crop, args.batch, args.repeats)
        return
    if len(rows()) < len(ROWS):
        print('this processor has no bf16 units: the rows of bf16 are left out')
    counts = {name: count_gflop(name) for name in dict.fromkeys(name for _, *pair in rows() for name in pair)}
    tables = [measure_all(threads, args, counts) for threads in args.thread_counts]
    for title, results in tables:
        table(title, results)


if __name__ == '__main__':
    main()
