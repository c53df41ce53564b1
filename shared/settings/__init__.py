"""Settings: frozen groups, one a concern, read once at the entry point with `Settings.load()`."""

from shared.settings.correction import CorrectionSettings
from shared.settings.dedupe import DedupeSettings
from shared.settings.describe import SettingRow, describe
from shared.settings.llm import CASCADE_PREFIX, EMBEDDED_PROVIDER, VENDORS, LlmSettings
from shared.settings.loading import Settings
from shared.settings.servers import DatabaseSettings, EmbeddedSettings, KafkaSettings
from shared.settings.work import ApiSettings, FeedSettings, LogSettings, RuntimeSettings, TracingSettings

__all__ = [
    "CASCADE_PREFIX",
    "EMBEDDED_PROVIDER",
    "VENDORS",
    "ApiSettings",
    "CorrectionSettings",
    "DatabaseSettings",
    "DedupeSettings",
    "EmbeddedSettings",
    "FeedSettings",
    "KafkaSettings",
    "LlmSettings",
    "LogSettings",
    "RuntimeSettings",
    "SettingRow",
    "Settings",
    "TracingSettings",
    "describe",
]
