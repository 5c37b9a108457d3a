"""Metrics for BasicSR's `val.metrics`, registered by this import."""

from .paper_metric import calculate_psnr_paper, calculate_ssim_paper
from .protocol import Protocol, protocol, with_directions
from .pyiqa_metric import calculate_pyiqa
from .reblur_metric import calculate_reblur

__all__ = [
    'Protocol',
    'calculate_psnr_paper',
    'calculate_pyiqa',
    'calculate_reblur',
    'calculate_ssim_paper',
    'protocol',
    'with_directions',
]
