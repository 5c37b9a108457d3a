"""Named weights that come with the package: `registry.json`, files and model cards beside it, hashes checked."""

import hashlib
import json
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.text_file import read_json
from spikereveal_plugin.weights.model_card import check_model_card

FORMAT_VERSION = 1
INDEX = 'registry.json'
TEACHER_PARTS = ('BSN', 'SpikeEDSR')  # the networks that deblur only together


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What `registry.json` says of one name.

    Args:
        network: registered architecture: `BSN`, `SpikeEDSR`, `LDN`, ...
        file: the `.pth` beside the registry.
        size: of that file, in bytes.
        sha256: of that file, hexadecimal.
        card: the model card beside the registry, Markdown.
        threshold: of the spike camera in the training data.
        density: `auto` where the network wants spikes normalised to `threshold`, 1.0 where it does not.
        summary: the scores, in one line for `spikereveal weights list`.
    """

    network: str
    file: str
    size: int
    sha256: str
    card: str
    threshold: float
    density: float | Literal['auto']
    summary: str


@dataclass(frozen=True)
class NamedWeights:
    """A name that a user may type, its entry, and the folder that the entry's files are in."""

    name: str
    folder: Path
    entry: Entry

    @property
    def path(self) -> Path:
        """The `.pth` file."""
        return self.folder / self.entry.file

    @property
    def card(self) -> Path:
        """The model card."""
        return self.folder / self.entry.card

    @property
    def is_student(self) -> bool:
        """Whether the network deblurs by itself."""
        return self.entry.network not in TEACHER_PARTS

    def checked_path(self) -> Path:
        """Return the path of the file once its hash is found right.

        Raises:
            SpikeDataError: the file is absent, or is not the registered one.
        """
        if not self.path.is_file():
            raise SpikeDataError(f'weights {self.name!r}: {self.path} is missing; install the package again')
        actual = sha256_of(self.path)
        if actual != self.entry.sha256:
            raise SpikeDataError(
                f'weights {self.name!r}: {self.path} has SHA-256 {actual}, expected {self.entry.sha256}; it is damaged '
                'or was replaced: install the package again, or pass the file by its path to use it as it is'
            )
        return self.path

    def check(self) -> None:
        """Check all that is said of these weights against the files.

        Raises:
            SpikeDataError: the hash or the size differs, or the card is absent, incomplete or of another file.
        """
        size = self.checked_path().stat().st_size
        if size != self.entry.size:
            raise SpikeDataError(f'weights {self.name!r}: {self.path} has {size} bytes, expected {self.entry.size}')
        check_model_card(self.card, self.name, self.entry.sha256)


def weights_folder() -> Path:
    """Where the package keeps its weights."""
    return Path(__file__).parent


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def list_weights(folder: Path | None = None) -> dict[str, NamedWeights]:
    """Read the registry.

    Args:
        folder: holds `registry.json`; by default the package's.

    Returns:
        Entries by name, in the order of the file.

    Raises:
        SpikeDataError: the registry is absent or is not of this form.
    """
    folder = folder or weights_folder()
    return {name: _read(folder, name, fields) for name, fields in _index(folder).get('weights', {}).items()}


def _index(folder: Path) -> dict[str, Any]:
    """The content of `registry.json`: `weights`, and `retired` names with what to do instead."""
    path = folder / INDEX
    try:
        content = read_json(path)
    except SpikeDataError as error:
        raise SpikeDataError(f'{path}: not a readable registry ({error}); install the package again') from None
    if not isinstance(content, dict) or content.get('format') != FORMAT_VERSION:
        raise SpikeDataError(f'{path}: expected a registry of format {FORMAT_VERSION}')
    return content


def list_students(folder: Path | None = None) -> tuple[str, ...]:
    """Names of the weights that deblur by themselves."""
    return tuple(name for name, weights in list_weights(folder).items() if weights.is_student)


def default_student() -> str:
    """The student that is taken where none is named: the first of the registry.

    Raises:
        OptionError: the registry has none.
    """
    students = list_students()
    if not students:
        raise OptionError(
            '--weights: this version brings no student along; give a file, such as one of `basicsr train -opt '
            'options/ldn_gopro.yml` or `spikereveal weights import`, or deblur by physics alone: --method sdm'
        )
    return students[0]


def _read(folder: Path, name: str, fields: Any) -> NamedWeights:
    try:
        entry = Entry(**fields)
    except TypeError:
        expected = ', '.join(Entry.__dataclass_fields__)
        raise SpikeDataError(f'{folder / INDEX}: {name!r} needs exactly the fields {expected}') from None
    if any(Path(file).name != file for file in (entry.file, entry.card)):
        raise SpikeDataError(f'{folder / INDEX}: {name!r}: file and card are names beside the registry, not paths')
    return NamedWeights(name, folder, entry)


def write_entry(name: str, entry: Entry, folder: Path) -> None:
    """Put a name into the registry of a folder, in place of one that is there; others stay as they are."""
    known = {**{key: weights.entry for key, weights in list_weights(folder).items()}, name: entry}
    content = {**_index(folder), 'weights': {key: asdict(value) for key, value in known.items()}}
    write_atomically(folder / INDEX, f'{json.dumps(content, indent=2)}\n'.encode())


def find_weights(name_or_file: str | Path, folder: Path | None = None) -> Path:
    """Return the file that a name stands for, its hash checked, or the file at a path.

    Raises:
        SpikeDataError: there is neither such a name nor such a file; known names are listed.
    """
    known = list_weights(folder)
    if isinstance(name_or_file, str) and name_or_file in known:
        return known[name_or_file].checked_path()
    path = Path(name_or_file).expanduser()
    if path.is_file():
        return path
    if advice := _index(folder or weights_folder()).get('retired', {}).get(str(name_or_file)):
        raise SpikeDataError(
            f'{name_or_file}: these weights no longer come along, since they made some photos worse (`spikereveal '
            f'weights check`): {advice}, or give the old file by its path'
        )
    close = get_close_matches(str(name_or_file), known, n=1)
    hint = f'did you mean {close[0]!r}? ' if close else ''
    names = ', '.join(known) or 'none yet'
    raise SpikeDataError(f'{name_or_file}: neither a file nor a name of weights; {hint}known names: {names}')


def resolve_option(value: str, network: str | None, where: str) -> Path:
    """Return the file of an option that takes a path or a registered name; whether a path exists is not asked.

    Args:
        value: what the option file says.
        network: the architecture that the weights are for; None where it is not known.
        where: the option, for the error.

    Raises:
        OptionError: it looks like a name and is none, or names weights of another network.
        SpikeDataError: the named file is missing or is not the registered one.
    """
    known = list_weights()
    if value not in known:
        path = Path(value).expanduser()
        if len(path.parts) > 1 or path.suffix or path.is_file():
            return path
        try:
            return find_weights(value)
        except SpikeDataError as error:
            raise OptionError(f'{where}: {error}') from None
    kind = known[value].entry.network
    if network is not None and kind != network:
        raise OptionError(f'{where}: {value!r} are weights of {kind}, expected of {network}')
    return known[value].checked_path()
