from pathlib import Path

import pytest
import torch

from spikereveal_plugin.models.checkpoint import CheckpointError, save_checkpoint


def test_a_checkpoint_is_read_back(tmp_path: Path):
    save_checkpoint({'params': {'x': torch.ones(2)}}, tmp_path / 'net.pth')
    torch.testing.assert_close(torch.load(tmp_path / 'net.pth', weights_only=True)['params']['x'], torch.ones(2))
    assert [path.name for path in tmp_path.iterdir()] == ['net.pth']


def test_a_failed_write_is_an_error_and_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save_checkpoint({'iter': 1}, tmp_path / 'net.pth')

    def full(content: object, path: Path) -> None:
        path.write_bytes(b'half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(CheckpointError, match=r'net.pth: the checkpoint could not be written: .*No space left'):
        save_checkpoint({'iter': 2}, tmp_path / 'net.pth')
    assert torch.load(tmp_path / 'net.pth', weights_only=True) == {'iter': 1}
    assert [path.name for path in tmp_path.iterdir()] == ['net.pth']
