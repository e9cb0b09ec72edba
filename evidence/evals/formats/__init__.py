"""One file a format: how a runner's own eval file is read. `evidence.evals.registry` names them."""
