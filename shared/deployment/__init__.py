"""What is deployed, as files: Kubernetes manifests and the compose file, from the declarations of the pipelines."""
