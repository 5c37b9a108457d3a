"""Which device and which backend a process gets, with GPUs that are only pretended."""

from typing import Any

import pytest
import torch

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.pipelines import distributed, setup


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Process 3 of 4, the second of its machine; what it asks of CUDA and of the group is noted, not done."""
    noted: dict[str, Any] = {}
    for name, value in {'RANK': 3, 'WORLD_SIZE': 4, 'LOCAL_RANK': 1, 'MASTER_ADDR': 'a', 'MASTER_PORT': 1}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(torch.cuda, 'set_device', lambda device: noted.update(device=device))
    monkeypatch.setattr(distributed, 'rendezvous', lambda *_, **__: iter([('store', 3, 4)]))
    monkeypatch.setattr(distributed, '_STORES', [])
    monkeypatch.setattr(distributed, '_WATCHES', [])
    monkeypatch.setattr(distributed, 'Watch', lambda has_failed: None)
    monkeypatch.setattr(
        torch.distributed, 'init_process_group', lambda backend, **given: noted.update(backend=backend, **given)
    )
    return noted


def pretend(monkeypatch: pytest.MonkeyPatch, gpus: int) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: gpus)


@pytest.mark.parametrize('wanted', ['auto', 1, 2])
def test_a_process_takes_the_gpu_of_its_local_rank(wanted: Any, calls: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    """Also where the file says `num_gpu: 1`, as many of BasicSR's do: a process has one."""
    pretend(monkeypatch, 2)
    opt: dict[str, Any] = {'num_gpu': wanted}
    setup._set_devices(opt, 'pytorch', None)
    assert (calls['device'], calls['backend'], calls['rank'], calls['world_size']) == (1, 'nccl', 3, 4)
    assert opt['dist']
    assert opt['num_gpu'] > 0  # BasicSR's models take it for "on the GPU"


@pytest.mark.parametrize(('gpus', 'wanted'), [(0, 'auto'), (0, 1), (2, 0)])
def test_without_a_gpu_it_is_gloo(gpus: int, wanted: Any, calls: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    pretend(monkeypatch, gpus)
    opt: dict[str, Any] = {'num_gpu': wanted, 'dist_params': {'backend': 'nccl'}}
    setup._set_devices(opt, 'pytorch', None)
    assert calls['backend'] == 'gloo'
    assert 'device' not in calls
    assert opt['num_gpu'] == 0


def test_a_backend_may_be_chosen(calls: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    pretend(monkeypatch, 2)
    setup._set_devices({'dist_params': {'backend': 'gloo'}}, 'pytorch', None)
    assert (calls['device'], calls['backend']) == (1, 'gloo')


def test_fewer_gpus_than_processes_is_said(calls: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    pretend(monkeypatch, 1)
    with pytest.raises(OptionError, match='this machine has 1 GPUs for process 2 of it'):
        setup._set_devices({}, 'pytorch', None)


def test_one_process_has_as_many_as_asked_for(monkeypatch: pytest.MonkeyPatch):
    pretend(monkeypatch, 2)
    for wanted, expected in (('auto', 2), (1, 1), (0, 0), (4, 2)):
        opt: dict[str, Any] = {'num_gpu': wanted}
        setup._set_devices(opt, 'none', None)
        assert (opt['num_gpu'], opt['dist'], opt['rank'], opt['world_size']) == (expected, False, 0, 1)
