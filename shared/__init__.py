"""The machinery every pipeline runs on; knows the contracts, knows no pipeline."""
