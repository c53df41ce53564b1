"""Moved to shared.terminal.connect."""

from shared.terminal.connect import *  # noqa: F403 -- until every command in the making has followed
