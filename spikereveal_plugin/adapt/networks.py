"""Which weights an adaptation starts from, and which teacher it learns from."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.defaults import SHORT_WINDOW
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights
from spikereveal_plugin.weights.network import Loaded, load_named, load_student
from spikereveal_plugin.weights.registry import default_student, list_weights, sha256_of

PARTS = {'network_bsn': 'BSN', 'network_sr': 'SpikeEDSR'}
OWN = 'network_teacher'  # the student's own weights in the teacher's place
FAR = 1.5  # thresholds that differ by this factor are said
_log = logging.getLogger('spikereveal')


@dataclass(frozen=True)
class NetworkChoice:
    """A network of the option file.

    Args:
        given: what the user gave, or the registered name that was taken.
        path: what the option file says of its weights.
        card: its network and what that was trained on.
        window: readouts that it sees around an instant.
    """

    given: str
    path: str
    card: Card
    window: int


def choose_networks(weights: str | None, teacher: tuple[str, ...] | None, out: Path) -> dict[str, NetworkChoice]:
    """Load student and teacher once, so that what is wrong with them is said before any work.

    Files are copied below `out`, with a card, so that its option file stands alone; names stay names.

    Args:
        weights: name or file of the student; None for the first registered one.
        teacher: names or files of BSN and SpikeEDSR; `('self',)` for the student's own weights; None for these where
            they are for any density, and else for registered ones.
        out: the adaptation's folder.

    Returns:
        By section of the option file: `network_g`, and `network_teacher` or `network_bsn` and `network_sr`.

    Raises:
        SpikeRevealError: one is missing, damaged, or of another network.
    """
    student = weights or default_student()
    chosen = {'network_g': _chosen(student, load_student(student), out / 'weights/start.pth')}
    is_for_any = chosen['network_g'].card.density == 'auto'
    if teacher == ('self',) or (teacher is None and is_for_any):
        return {**chosen, OWN: chosen['network_g']}
    names = teacher or _registered_teacher(chosen['network_g'].card)
    for (key, network), name in zip(PARTS.items(), names, strict=True):
        target = out / f'weights/{key.removeprefix("network_")}.pth'
        chosen[key] = _chosen(name, load_named(name, network), target)
    return chosen


def warn_of_thresholds(chosen: dict[str, NetworkChoice], seen: float, *, is_normalised: bool) -> None:
    """Say where a network was trained at a density that is far from what it will see."""
    threshold = 1.0 if is_normalised else seen
    for key, item in chosen.items():
        if key == OWN:
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
        return NetworkChoice(name, name, loaded.card, window)
    save_weights(target, loaded.network.state_dict(), loaded.card)
    given = f'{name} (SHA-256 {sha256_of(Path(name).expanduser())})'
    return NetworkChoice(given, f'weights/{target.name}', loaded.card, window)


def _registered_teacher(student: Card) -> list[str]:
    """A part of the teacher of each kind, of the student's density before others."""
    known, names = list(list_weights().values()), []
    for network in PARTS.values():
        parts: list[Any] = [item for item in known if item.entry.network == network]
        parts.sort(key=lambda item: item.entry.density != student.density)
        if not parts:
            raise OptionError(
                f'--teacher: this version brings no weights of {network} along; give both, BSN and SpikeEDSR: names of '
                '`spikereveal weights list` or files of `basicsr train` (options/bsn_gopro.yml, edsr_gopro.yml)'
            )
        names.append(parts[0].name)
    return names
