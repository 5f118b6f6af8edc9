"""The settings, from the environment and `.env`."""

from .service import Settings, SettingsError, find_misspelt_settings, load_settings

__all__ = ["Settings", "SettingsError", "find_misspelt_settings", "load_settings"]
