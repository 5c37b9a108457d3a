"""LDN with the authors' weights against their outputs and one of their training steps. Golden images are BGR."""

import pytest
import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch.nn import functional as F

from spikereveal_plugin.archs import LDN, convert_ssdm, load_ssdm_file


@pytest.fixture
def published(shared):
    name, state = load_ssdm_file(shared / 'weights' / 'ssdm_ldn_gopro.pth')
    assert name == 'LDN'
    network = LDN()
    network.load_state_dict(state)
    return network


def rgb(array):
    return torch.from_numpy(array).flip(1)


@pytest.mark.parametrize('sample', ['ldn_64x96', 'ldn_64x96_idx20'])
def test_authors_numbers(golden, published, sample):
    reference = golden(f'{sample}.npz')
    with torch.no_grad():
        output = published(rgb(reference['blur_bgr']), torch.from_numpy(reference['spike']))
    torch.testing.assert_close(output, rgb(reference['out_preclip']), rtol=0, atol=1e-5)


def test_one_training_step_of_the_authors(golden, published):
    reference = golden('ldn_train_step_mse.npz')
    optimizer = torch.optim.Adam(published.parameters(), lr=1e-3)
    output = published(rgb(reference['blur_bgr']), torch.from_numpy(reference['spike']))
    loss = F.mse_loss(output.clamp(0, 1), rgb(reference['target']))
    loss.backward()
    optimizer.step()

    assert loss.item() == pytest.approx(float(reference['loss']), abs=1e-7)
    of_part = {
        part: convert_ssdm(
            {key.split('.', 1)[1]: torch.from_numpy(reference[key]) for key in reference.files if key.startswith(part)}
        )[1]
        for part in ('grad.', 'after.')
    }
    for name, parameter in published.named_parameters():
        torch.testing.assert_close(parameter.grad, of_part['grad.'][name], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(parameter.detach(), of_part['after.'][name], rtol=0, atol=1e-5)


def test_a_sequence_is_the_frames_one_by_one():
    torch.manual_seed(0)
    network = LDN(num_spike=5).double()
    blur = torch.rand(2, 3, 16, 24, dtype=torch.float64)
    windows = torch.randint(0, 2, (2, 3, 5, 4, 6)).double()
    singly = torch.stack([network(blur, windows[:, n]) for n in range(3)], dim=1)
    torch.testing.assert_close(network(blur, windows), singly)


def test_the_blur_branch_runs_once_a_sequence():
    network = LDN(num_spike=3)
    batches = []
    network.blur_down1.register_forward_hook(lambda module, inputs, output: batches.append(output.shape[0]))
    network(torch.rand(2, 3, 8, 8), torch.zeros(2, 7, 3, 2, 2))
    assert batches == [2]


def test_published_size():
    assert sum(p.numel() for p in ARCH_REGISTRY.get('LDN')().parameters()) == 234_158


@pytest.mark.parametrize('size', [(1, 1), (3, 5), (7, 2)])
def test_any_sensor_size(size):
    height, width = size
    assert LDN()(torch.rand(1, 3, 4 * height, 4 * width), torch.zeros(1, 21, *size)).shape[2:] == (
        4 * height,
        4 * width,
    )


def test_another_number_of_readouts_is_refused():
    with pytest.raises(ValueError, match=r'LDN: expected spikes \(B, 21, H, W\), got \(1, 20, 4, 4\)'):
        LDN()(torch.zeros(1, 3, 16, 16), torch.zeros(1, 20, 4, 4))


@pytest.mark.parametrize('shape', [(1, 3, 17, 16), (1, 3, 8, 16), (2, 3, 16, 16), (1, 1, 16, 16)])
def test_a_blurry_image_of_another_size_is_refused(shape):
    with pytest.raises(ValueError, match=r'need a blurry image \(1, 3, 16, 16\), 4 times as high and wide, got'):
        LDN()(torch.zeros(shape), torch.zeros(1, 21, 4, 4))


def test_windows_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r'expected spikes \(B, 21, H, W\), got \(1, 20, 4, 4\)'):
        LDN()(torch.zeros(1, 3, 16, 16), torch.zeros(1, 2, 20, 4, 4))


def test_too_narrow_for_its_channel_attention_is_refused():
    with pytest.raises(ValueError, match='8 channels cannot be reduced 16 times'):
        LDN(num_feat=2)


def test_it_may_start_as_the_identity():
    blur = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    spikes = torch.ones(1, 21, 4, 6)
    torch.testing.assert_close(LDN(starts_from_blur=True)(blur, spikes), blur)
    assert not torch.allclose(LDN()(blur, spikes), blur, atol=0.05)
