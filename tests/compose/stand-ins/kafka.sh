#!/bin/bash
set -e
export CLASSPATH='/opt/kafka/libs/*' CLUSTER_ID=${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}
said=$(java kafka.docker.KafkaDockerWrapper setup -D /etc/kafka/docker -M /mnt/shared/config -F /opt/kafka/config 2>&1) \
    || grep --ignore-case "already formatted" <<<"$said" || { echo "$said" && exit 1; }
exec java ${KAFKA_HEAP_OPTS:--Xms1G -Xmx1G} kafka.Kafka /opt/kafka/config/server.properties
