# In place of apache/kafka: the same jars, started by the same class that reads KAFKA_* there.
FROM sluice-stand-in/debian
RUN apt-get update && apt-get install --yes --no-install-recommends openjdk-21-jre-headless && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 1000 appuser \
    && install --directory --owner appuser /etc/kafka/docker /mnt/shared/config /opt/kafka/config /var/lib/kafka/data \
    && touch /etc/kafka/docker/server.properties /etc/kafka/docker/log4j2.yaml /etc/kafka/docker/tools-log4j2.yaml
COPY --from=jars . /opt/kafka/libs
COPY --chmod=755 kafka.sh /etc/kafka/docker/run
USER appuser
CMD ["/etc/kafka/docker/run"]
