"""Metrics for BasicSR's `val.metrics`, registered by this import."""

from .paper_metric import calculate_psnr_paper, calculate_ssim_paper
from .pyiqa_metric import calculate_pyiqa

__all__ = ['calculate_psnr_paper', 'calculate_pyiqa', 'calculate_ssim_paper']
