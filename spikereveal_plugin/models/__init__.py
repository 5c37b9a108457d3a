"""BasicSR models: the three training stages and their validation."""

from spikereveal_plugin.models.bsn_model import BSNModel
from spikereveal_plugin.models.spike_distill_model import SpikeDistillModel
from spikereveal_plugin.models.spike_edsr_model import SpikeEDSRModel

__all__ = ['BSNModel', 'SpikeDistillModel', 'SpikeEDSRModel']
