"""The errors that a user's input can cause; the command line turns each into one line and exit code 1."""


class SpikeRevealError(Exception):
    """Base of this package's errors; catch it to catch them all. A command that meets one ends with `exit_code`."""

    exit_code: int = 1


class SpikeDataError(SpikeRevealError, ValueError):
    """A spike file, LMDB, image or video does not have the declared form."""


class OptionError(SpikeRevealError, ValueError):
    """A YAML option or command-line value is unknown, missing or out of range."""


class EnvironmentProblemError(SpikeRevealError, RuntimeError):
    """The installation cannot run the package, such as a fork named `basicsr` in the way."""


class DivergenceError(SpikeRevealError, ArithmeticError):
    """A loss is no longer a finite number."""
