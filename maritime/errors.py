"""The errors that people see: one sentence, the value that was wrong, and what to do.

MaritimeError
├── InputError          an input cannot be read at all (exit code 1)
│   └── SignatureError  a signature does not hold, and why (exit code 1)
├── OutputError         a result cannot be written: disk full, folder not writable (exit code 1)
├── UsageError          the command was called wrongly (exit code 2)
├── ConfigurationError  a setting, zone or mapping is wrong (exit code 3)
├── SnapshotError       saved engine state cannot be restored
└── TransportError      the log cannot be reached or does not answer in time
    ├── FencedError     another client has taken this one's place
    └── RefusedError    the log will never take this: too large, not authorised

Bad *rows* are not errors: they become a counted, kept `maritime.columns.Reject`.
"""


class MaritimeError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 1


class InputError(MaritimeError):
    """An input cannot be read at all: missing, unreadable, truncated, of no known format."""


class SignatureError(InputError):
    """A signature does not hold. `reason` is a word for programs; the message says it to people."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class OutputError(MaritimeError):
    """A result cannot be written: the disk is full or the folder not writable. Nothing half-written is left."""


class UsageError(MaritimeError):
    """The command was called with arguments that do not fit together."""

    exit_code = 2


class ConfigurationError(MaritimeError):
    """A setting, zone file or column mapping is wrong; the message names file and key."""

    exit_code = 3


class SnapshotError(MaritimeError):
    """Saved engine state is of another version, truncated or altered."""


class TransportError(MaritimeError):
    """The log cannot be reached or does not answer in time; trying again may help."""


class FencedError(TransportError):
    """Another client with the same identity has taken this one's place."""


class RefusedError(TransportError):
    """The log will never take this: too large, not authorised, no such topic. The message names the topic."""
