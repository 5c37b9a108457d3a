"""BasicSR models: the three training stages, the supervised baseline, and their validation."""

from spikereveal_plugin.models.bsn_model import BSNModel
from spikereveal_plugin.models.spike_distill_model import SpikeDistillModel
from spikereveal_plugin.models.spike_edsr_model import SpikeEDSRModel
from spikereveal_plugin.models.spike_restoration_model import SpikeRestorationModel

__all__ = ['BSNModel', 'SpikeDistillModel', 'SpikeEDSRModel', 'SpikeRestorationModel']
