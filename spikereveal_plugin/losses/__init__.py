"""The losses of SpikeReveal, registered with BasicSR by this import."""

from .decibel_loss import DecibelLoss
from .lpips_loss import LPIPSLoss
from .reblur_loss import ReblurLoss
from .respike_loss import RespikeLoss

__all__ = ['DecibelLoss', 'LPIPSLoss', 'ReblurLoss', 'RespikeLoss']
