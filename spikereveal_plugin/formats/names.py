"""Names that data and option files bring, and that become paths below a folder of ours."""

from spikereveal_plugin.errors import SpikeDataError


def check_name(name: str, where: str) -> str:
    """Return a name, `a` or `a/b/c`, that leads nowhere but below the folder it is put in.

    Args:
        name: of a sample, a data set or a run.
        where: the file or option that says it, for the error.

    Raises:
        SpikeDataError: it is empty or absolute, has a part `.` or `..`, or a character that no name should have.
    """
    parts = name.split('/')
    if any(part in ('', '.', '..') for part in parts) or ':' in parts[0][1:2]:
        raise SpikeDataError(f'{where}: the name {name[:100]!r} leads elsewhere; expected one such as clip/000019')
    if odd := next((c for c in name if c == '\\' or not c.isprintable()), None):
        raise SpikeDataError(f'{where}: the name {name[:100]!r} holds {odd!r}; rename it')
    return name
