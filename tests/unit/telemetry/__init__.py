"""Tests of shared.telemetry."""
