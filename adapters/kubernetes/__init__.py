"""Actions on workloads of a Kubernetes cluster; the only importer of its official client."""

from adapters.kubernetes.executor import KubernetesExecutor
from adapters.kubernetes.recent import rollouts_of
from adapters.kubernetes.workloads import target_flaw

__all__ = ["KubernetesExecutor", "rollouts_of", "target_flaw"]
