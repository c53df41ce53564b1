"""Moved to shared.terminal.shown."""

from shared.terminal.shown import *  # noqa: F403 -- until every command in the making has followed
