package catalog

import "time"

// Monitoring is the namespace of what watches an EKS stack.
const Monitoring = "monitoring"

// KubeStateMetricsImage serves the objects of the API server as metrics. `make monitor` builds the same release.
const KubeStateMetricsImage = "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.18.0"

// ScrapeInterval is the time between two readings of a source on EKS. It is the shortest that the managed collector allows ("Scraper
// configuration", CloudWatch User Guide). An alert must fire within 5 minutes of its cause, and longer intervals leave less of them.
const ScrapeInterval = 30 * time.Second
