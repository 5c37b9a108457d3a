"""Which weights an adaptation starts from, and which teacher it learns from."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.defaults import SHORT_WINDOW
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights
from spikereveal_plugin.weights.network import Loaded, build_network, load_named, load_student
from spikereveal_plugin.weights.registry import default_student, list_weights, sha256_of

PARTS = {'network_bsn': 'BSN', 'network_sr': 'SpikeEDSR'}
ONLINE = 'network_teacher'  # the student's own weights, or light change, asked in each step
SELF, LIGHT = 'self', 'light'
LIGHT_SECTION: Final = {'type': 'LightChange'}
FAR = 1.5  # thresholds that differ by this factor are said
_log = logging.getLogger('spikereveal')


@dataclass(frozen=True)
class NetworkChoice:
    """A network of the option file.

    Args:
        given: what the user gave, or the registered name that was taken.
        path: what the option file says of its weights; None for a network without.
        card: its network and what that was trained on.
        window: readouts that it sees around an instant.
        any_threshold: whether it sees spikes of any threshold as recorded.
    """

    given: str
    path: str | None
    card: Card
    window: int
    any_threshold: bool = False


def choose_networks(weights: str | None, teacher: tuple[str, ...] | None, out: Path) -> dict[str, NetworkChoice]:
    """Load student and teacher once, so that what is wrong with them is said before any work.

    Files are copied below `out`, with a card, so that its option file stands alone; names stay names.

    Args:
        weights: name or file of the student; None for the first registered one.
        teacher: names or files of BSN and SpikeEDSR, the published teacher; `('self',)` for the student's own weights;
            `('light',)` for light change; None for `self` where the weights are for any threshold, else for `light`.
        out: the adaptation's folder.

    Returns:
        By section of the option file: `network_g`, and `network_teacher` or `network_bsn` and `network_sr`.

    Raises:
        SpikeRevealError: one is missing, damaged, or of another network.
    """
    student = weights or default_student()
    chosen = {'network_g': _chosen(student, load_student(student), out / 'weights/start.pth')}
    if teacher is None:
        is_for_any = chosen['network_g'].any_threshold or chosen['network_g'].card.density == 'auto'
        teacher = (SELF,) if is_for_any else (LIGHT,)
    if teacher == (SELF,):
        return {**chosen, ONLINE: chosen['network_g']}
    if teacher == (LIGHT,):
        described = describe(build_network(LIGHT_SECTION, ONLINE))
        return {**chosen, ONLINE: NetworkChoice(LIGHT, None, Card(LIGHT_SECTION), described.num_spike, True)}
    for (key, network), name in zip(PARTS.items(), teacher, strict=True):
        target = out / f'weights/{key.removeprefix("network_")}.pth'
        chosen[key] = _chosen(name, load_named(name, network), target)
    return chosen


def warn_of_thresholds(chosen: dict[str, NetworkChoice], seen: float, *, is_normalised: bool) -> None:
    """Say where a network was trained at a density that is far from what it will see."""
    threshold = 1.0 if is_normalised else seen
    for key, item in chosen.items():
        if key == ONLINE or item.any_threshold:
            continue
        trained = item.card.threshold
        if max(trained / threshold, threshold / trained) > FAR:
            _log.warning(
                '%s (%s) was trained at threshold %.3g and will see spikes of %.3g; it may not be worth learning from',
                *(item.given, key, trained, threshold),
            )


def _chosen(name: str, loaded: Loaded, target: Path) -> NetworkChoice:
    described = describe(loaded.network)
    window = described.num_spike if described.is_student else SHORT_WINDOW
    if name in list_weights():
        return NetworkChoice(name, name, loaded.card, window, described.any_threshold)
    save_weights(target, loaded.network.state_dict(), loaded.card)
    given = f'{name} (SHA-256 {sha256_of(Path(name).expanduser())})'
    return NetworkChoice(given, str(target.resolve()), loaded.card, window, described.any_threshold)
