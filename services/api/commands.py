"""The command that the API adds to `sluice`: target and help line."""

COMMANDS = {
    "api-keys": ("services.api.keys_command:api_keys", "Make, list, rotate and revoke keys for the HTTP API."),
}
