# In place of prom/prometheus: Debian's package, which is of the version before.
FROM sluice-stand-in/debian
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus wget && rm -rf /var/lib/apt/lists/*
RUN install --directory --owner nobody /prometheus
USER nobody
WORKDIR /prometheus
ENTRYPOINT ["prometheus"]
