package catalog

// Schedule is the name of the objects that end and begin the working hours, and the beginning of the names of their CronJobs.
const Schedule = "schedule"

// ScheduleStop and ScheduleStart end the names of what ends and begins the working hours: CronJobs, and scheduled actions of Auto
// Scaling groups.
const (
	ScheduleStop  = "stop"
	ScheduleStart = "start"
)

// KubectlImage runs kubectl. scale is the same in every version that clusters have.
const KubectlImage = "registry.k8s.io/kubectl:v1.36.0"
