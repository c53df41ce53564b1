"""The compose file as a whole, in a Docker engine: `make test-compose`."""
