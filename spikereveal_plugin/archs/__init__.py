"""The networks of SpikeReveal, registered with BasicSR by this import, and the converter of the authors' weights."""

from .bsn_arch import BSN
from .convert import convert_ssdm, import_ssdm, load_ssdm_file
from .ldn_arch import LDN
from .spike_edsr_arch import SpikeEDSR

__all__ = ['BSN', 'LDN', 'SpikeEDSR', 'convert_ssdm', 'import_ssdm', 'load_ssdm_file']
