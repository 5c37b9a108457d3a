from pathlib import Path

import numpy as np
import pytest
import torch
from basicsr.models.base_model import BaseModel

from spikereveal_plugin.archs import LDN
from spikereveal_plugin.cli.spikereveal import main


def test_the_authors_ldn_is_imported_and_loads_in_basicsr(shared: Path, tmp_path: Path):
    out = tmp_path / 'ldn.pth'
    assert (
        main(['weights', 'import', '--from', 'ssdm', str(shared / 'weights/ssdm_ldn_gopro.pth'), '-o', str(out)]) == 0
    )
    network = LDN()
    BaseModel({'num_gpu': 0, 'is_train': False}).load_network(network, str(out))
    file = np.load(shared / 'golden/ldn_64x96.npz')
    with torch.no_grad():
        restored = network(torch.from_numpy(file['blur_bgr']).flip(1), torch.from_numpy(file['spike']))
    np.testing.assert_allclose(restored.flip(1).numpy(), file['out_preclip'], atol=1e-5)


def test_what_is_no_checkpoint_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / 'x.pth').write_bytes(b'nothing')
    assert main(['weights', 'import', '--from', 'ssdm', str(tmp_path / 'x.pth'), '-o', str(tmp_path / 'y.pth')]) == 1
    assert 'x.pth' in capsys.readouterr().err
    assert not (tmp_path / 'y.pth').exists()
