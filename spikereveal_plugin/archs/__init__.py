"""The networks of SpikeReveal, registered with BasicSR by this import, and the converter of the authors' weights."""

from importlib import import_module
from pkgutil import iter_modules

from .aligned_basicvsrpp_arch import AlignedBasicVSRPlusPlus
from .bsn_arch import BSN
from .convert import convert_ssdm, import_ssdm, load_ssdm_file
from .ldn_arch import LDN
from .ldn_light_arch import LDNLight
from .ldn_plus_arch import LDNPlus
from .light_change_arch import LightChange
from .spike_edsr_arch import SpikeEDSR
from .tapered_sdm_arch import TaperedSDM

__all__ = [
    'BSN',
    'LDN',
    'AlignedBasicVSRPlusPlus',
    'LDNLight',
    'LDNPlus',
    'LightChange',
    'SpikeEDSR',
    'TaperedSDM',
    'convert_ssdm',
    'import_ssdm',
    'load_ssdm_file',
]

for _module in iter_modules(__path__):
    if _module.name.endswith('_arch'):  # importing it registers its class
        import_module(f'{__name__}.{_module.name}')
