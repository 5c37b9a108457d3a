"""Methods as words of a command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spikereveal_plugin.compare import kinds  # noqa: F401  (registers the words)
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.restorers.kinds import words_alone
from spikereveal_plugin.weights.registry import list_weights


def methods_from_words(words: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Turn `[LABEL=]WHAT` words into sections.

    WHAT is a kind that needs no option, such as blur, sdm, tfp or tfi; weights (.pth or a registered name); an option
    file, or one and weights with a colon between; or a folder.

    Raises:
        OptionError: two methods have one label, or a word names nothing.
    """
    sections: dict[str, dict[str, Any]] = {}
    for word in words:
        given, equals, what = word.rpartition('=')
        if not what:
            raise OptionError(f'{word!r}: expected a method after `=`')
        section = _section(what)
        label = given if equals else _label(what, section)
        if label in sections:
            raise OptionError(f'two methods are called {label!r}; name them: ours={what}')
        sections[label] = section
    return sections


def _section(what: str) -> dict[str, Any]:
    if what in words_alone():
        return {'type': what}
    file, colon, weights = what.partition(':')
    if file.endswith(('.yml', '.yaml')):
        return {'type': 'option_file', 'opt': file, **({'weights': weights} if colon else {})}
    if what.endswith('.pth') or (what in list_weights() and not Path(what).is_dir()):
        return {'type': 'network', 'weights': what}
    return {'type': 'folder', 'path': what}


def _label(what: str, section: dict[str, Any]) -> str:
    if section['type'] == 'folder':
        return Path(what).name or what
    return Path(section.get('weights') or section.get('opt') or what).stem
