"""The newest answers, in the memory of the process."""

from collections import OrderedDict

from schemas.base import Contract


class Memory:
    """Replies by key; the one that was used longest ago makes room. `entries` 0: remembers nothing."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._replies: OrderedDict[bytes, Contract] = OrderedDict()

    def get(self, key: bytes) -> Contract | None:
        """The reply, or None."""
        reply = self._replies.get(key)
        if reply is not None:
            self._replies.move_to_end(key)
        return reply

    def put(self, key: bytes, reply: Contract) -> None:
        """Remember a reply."""
        if not self._entries:
            return
        self._replies[key] = reply
        self._replies.move_to_end(key)
        if len(self._replies) > self._entries:
            self._replies.popitem(last=False)
