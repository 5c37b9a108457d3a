"""A build that is killed at any moment goes on to the very bytes of one that was not."""

import os
import random
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from spikereveal_plugin.building.build_pool import worker_context
from spikereveal_plugin.building.simulate_footage import SimulateOptions, simulate_footage

pytestmark = [
    pytest.mark.smoke,
    pytest.mark.skipif(not hasattr(signal, 'SIGKILL'), reason='no SIGKILL on this system'),
]
OPTIONS = SimulateOptions(factor=32, flow='ultrafast')
KILLS = 10


@pytest.fixture(scope='module')
def footage(make_footage):
    """Two sequences, three and two exposures."""
    return make_footage({'a': 17, 'b': 13}, width=48)


@pytest.fixture(scope='module')
def start():
    """Start the build in a process of its own, which imports nothing, so that a kill hits the build."""
    context = worker_context()

    def start(footage, out, options=OPTIONS):
        process = context.Process(target=simulate_footage, args=([footage], out, options))
        process.start()
        return process

    return start


@pytest.fixture(scope='module')
def whole(bytes_of, footage, tmp_path_factory):
    return bytes_of(simulate_footage([footage], tmp_path_factory.mktemp('whole') / 'set', OPTIONS))


def seconds_of_a_build(start, footage, folder):
    for _ in range(2):  # the first starts the server too
        began = time.perf_counter()
        process = start(footage, folder / 'timed')
        process.join()
        taken = time.perf_counter() - began
        assert process.exitcode == 0
        shutil.rmtree(folder / 'timed')
    return taken


def test_ten_kills_at_random_moments(bytes_of, start, footage, whole, tmp_path):
    seed = random.randrange(2**32)
    moments, taken = random.Random(seed), seconds_of_a_build(start, footage, tmp_path)
    kept = []
    for number in range(KILLS):
        out = tmp_path / f'{number}'
        killed = start(footage, out)
        killed.join(moments.uniform(0, taken))
        killed.kill()
        killed.join()
        kept.append(len(list(tmp_path.glob(f'{number}.partial/records/*/finished/*/*.json'))))
        again = start(footage, out)
        again.join()
        assert again.exitcode == 0, f'seed {seed}, kill {number}'
        assert bytes_of(out) == whole, f'seed {seed}, kill {number}'
    assert [path.name for path in sorted(tmp_path.iterdir())] == [str(number) for number in range(KILLS)]
    assert any(kept), f'seed {seed}: no kill left a sample behind: {kept}'


@pytest.mark.parametrize('step', ['forget', 'write_manifest', 'rename', 'remove'])
def test_a_kill_at_each_step_of_the_end(bytes_of, footage, whole, tmp_path, monkeypatch, step):
    """Steps after the last sample are short: end there by hand, in a fork that dies without any clean-up."""
    from spikereveal_plugin.building import dataset_writer, partial_set, sample_records

    places = {
        'forget': (sample_records.SampleRecords, 'forget'),
        'write_manifest': (dataset_writer, 'write_manifest'),
        'rename': (partial_set.Path, 'rename'),
        'remove': (partial_set.PartialSet, 'remove'),
    }
    with monkeypatch.context() as patch:
        patch.setattr(*places[step], lambda *_args, **_kwargs: (_ for _ in ()).throw(SystemError('killed')))
        patch.setattr(dataset_writer.DatasetWriter, '__exit__', lambda writer, *_: writer._partial.close())
        with pytest.raises(SystemError, match='killed'):
            simulate_footage([footage], tmp_path / 'set', OPTIONS)
    assert (tmp_path / 'set.partial').is_dir()
    assert bytes_of(simulate_footage([footage], tmp_path / 'set', OPTIONS)) == whole
    assert [path.name for path in tmp_path.iterdir()] == ['set']


@pytest.mark.parametrize(
    'name', ['.build.json.7.part', 'set/.dataset.json.7.part', 'records/train/finished/a/000006.7.part']
)
def test_files_that_a_kill_left_half_written_do_no_harm(bytes_of, footage, whole, tmp_path, monkeypatch, name):
    torn = tmp_path / 'set.partial' / name
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b'{')
    assert bytes_of(simulate_footage([footage], tmp_path / 'set', OPTIONS)) == whole


def running(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def descendants(pid):
    parents = {}
    for entry in Path('/proc').iterdir():
        with suppress(OSError, ValueError):
            parents[int(entry.name)] = int((entry / 'stat').read_text().rpartition(')')[2].split()[1])
    children = {child for child, parent in parents.items() if parent == pid}
    return children.union(*map(descendants, children))


@pytest.mark.skipif(not Path('/proc/self/task').is_dir(), reason='needs /proc to list processes')
def test_workers_end_with_the_process_that_started_them(bytes_of, start, footage, whole, tmp_path):
    process = start(footage, tmp_path / 'set', replace(OPTIONS, workers=2))
    finished = tmp_path / 'set.partial/records'
    deadline = time.monotonic() + 120
    while not list(finished.glob('*/finished/*/*.json')) and time.monotonic() < deadline:
        time.sleep(0.01)
    group = descendants(process.pid)
    assert len(group) >= 3, 'a server and two workers'
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    while any(running(pid) for pid in group) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(running(pid) for pid in group)
    assert bytes_of(simulate_footage([footage], tmp_path / 'set', OPTIONS)) == whole
