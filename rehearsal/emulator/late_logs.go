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

// makeLogGroup makes a log group as EKS does: without tags. moto 5.2.5 gives a new group the tags of a deleted one of its name.
func (a *AWS) makeLogGroup(ctx context.Context, name string) error {
	call := func(action string, params map[string]any, into any) error {
		return a.callJSON(ctx, "logs", "Logs_20140328."+action, mustJSON(params), into)
	}
	if err := call("CreateLogGroup", map[string]any{"logGroupName": name}, nil); err != nil {
		return err
	}
	var found struct{ LogGroups []struct{ Arn string } }
	if err := call("DescribeLogGroups", map[string]any{"logGroupNamePrefix": name, "limit": 1}, &found); err != nil {
		return err
	}
	for _, g := range found.LogGroups {
		arn := strings.TrimSuffix(g.Arn, ":*")
		var old struct{ Tags map[string]string }
		if err := call("ListTagsForResource", map[string]any{"resourceArn": arn}, &old); err != nil {
			return err
		}
		if len(old.Tags) == 0 {
			continue
		}
		if err := call("UntagResource", map[string]any{"resourceArn": arn, "tagKeys": sortedKeys(old.Tags)}, nil); err != nil {
			return err
		}
	}
	return nil
}

// WriteLateLog makes the log group of a cluster that is gone, as EKS does some minutes after the cluster's deletion.
func (a *AWS) WriteLateLog(ctx context.Context, cluster string) error {
	return a.makeLogGroup(ctx, "/aws/eks/"+cluster+"/cluster")
}
