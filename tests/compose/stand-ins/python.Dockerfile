# In place of python:3.13-slim-trixie: Debian's own Python of the same version line.
FROM sluice-stand-in/debian
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/*
RUN ln --symbolic python3 /usr/bin/python
