"""Settings: frozen groups, one a concern, read once at the entry point with `Settings.load()`."""

from shared.settings.describe import SettingRow, describe
from shared.settings.loading import Settings
from shared.settings.servers import DatabaseSettings, EmbeddedSettings, KafkaSettings
from shared.settings.work import (
    EMBEDDED_PROVIDER,
    ApiSettings,
    FeedSettings,
    LlmSettings,
    LogSettings,
    RuntimeSettings,
)

__all__ = [
    "EMBEDDED_PROVIDER",
    "ApiSettings",
    "DatabaseSettings",
    "EmbeddedSettings",
    "FeedSettings",
    "KafkaSettings",
    "LlmSettings",
    "LogSettings",
    "RuntimeSettings",
    "SettingRow",
    "Settings",
    "describe",
]
