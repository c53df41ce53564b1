"""Moved to shared.terminal.options."""

from shared.terminal.options import *  # noqa: F403 -- until every command in the making has followed
