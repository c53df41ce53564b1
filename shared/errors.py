"""One error tree, cut by what the caller can do.

SluiceError
├── TransientError   try the same again, after `retry_after` if it is known
│   └── Unavailable  nothing can be done until it is back: wait for it, do not pass items on
├── PermanentError   never retry: dead-letter it, with a code from the closed list
├── HaltStage        stop this stage and call a person: going on would do harm
└── UsageError       a person gave us something wrong: say what, and what to do
"""

from schemas.delivery import RejectCode


class SluiceError(Exception):
    """Something in Sluice went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class TransientError(SluiceError):
    """A service Sluice needs is away or busy; the same call may succeed later."""

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(TransientError):  # noqa: N818 - a state rather than a description of a fault
    """No item can be worked until something is back, or until a person has acted."""


class PermanentError(SluiceError):
    """The same call will fail again."""

    def __init__(self, code: RejectCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class HaltStage(SluiceError):  # noqa: N818 - an order rather than a description of a fault
    """The stage must stop until a person has looked at it."""


class UsageError(SluiceError):
    """A command or a setting is wrong; `remedy` says what to do about it."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n{self.remedy}" if self.remedy else message
