"""Tests of services.api that need no server."""
