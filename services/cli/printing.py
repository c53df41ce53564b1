"""Moved to shared.terminal.printing."""

from shared.terminal.printing import *  # noqa: F403 -- until every command in the making has followed
