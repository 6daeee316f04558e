package catalog

// RolloutSurgePercent is how many pods a rollout adds at a time, in % of the pods that run (Kubernetes' default).
const RolloutSurgePercent = 25

// RolloutSurge returns how many pods a rollout adds to a number of pods. Kubernetes rounds up.
func RolloutSurge(pods int) int { return (pods*RolloutSurgePercent + 99) / 100 }
