"""How replicas follow the load: KEDA and the autoscaler of Kubernetes, simulated over a day, without a cluster."""
