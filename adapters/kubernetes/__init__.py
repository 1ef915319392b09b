"""Actions on workloads of a Kubernetes cluster; the only importer of its official client."""

from adapters.kubernetes.executor import KubernetesExecutor
from adapters.kubernetes.workloads import target_flaw

__all__ = ["KubernetesExecutor", "target_flaw"]
