"""A console in the browser, for people without Grafana at hand: what flows, what waits, what failed, and why."""

from services.api.console.routes import console_routes

__all__ = ["console_routes"]
