"""What runs: the pipelines, the API and the command line. Services import shared and schemas, never each other."""
