package emulator

import (
	"context"
	"strings"
)

// writeLateLog makes the log group of a deleted cluster again when someone has deleted it, once for each cluster. EKS delivers
// the last lines of a control plane after the cluster is gone, and makes the group for them: without retention and without tags
// (terraform-aws-modules/terraform-aws-eks, issue 2763).
func (a *AWS) writeLateLog(ctx context.Context, c *call) {
	if c.service != "logs" || c.action != "DeleteLogGroup" {
		return
	}
	group := c.params["logGroupName"]
	name, ofCluster := strings.CutPrefix(strings.TrimSuffix(group, "/cluster"), "/aws/eks/")
	a.eks.mu.Lock()
	late := ofCluster && a.eks.lateLogs[name]
	delete(a.eks.lateLogs, name)
	a.eks.mu.Unlock()
	if !late {
		return
	}
	if err := a.makeLogGroup(ctx, group); err != nil {
		a.logf("writing the last lines of cluster %s: %v", name, err)
	}
}

// makeLogGroup makes a log group as EKS does.
func (a *AWS) makeLogGroup(ctx context.Context, name string) error {
	return a.callJSON(ctx, "logs", "Logs_20140328.CreateLogGroup", mustJSON(map[string]string{"logGroupName": name}), nil)
}

// WriteLateLog makes the log group of a cluster that is gone, as EKS does some minutes after the cluster's deletion.
func (a *AWS) WriteLateLog(ctx context.Context, cluster string) error {
	return a.makeLogGroup(ctx, "/aws/eks/"+cluster+"/cluster")
}
