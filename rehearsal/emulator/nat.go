package emulator

import (
	"bytes"
	"context"
	"regexp"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// natTimes keeps new NAT gateways pending for Times.NAT. In moto they are available at once.
type natTimes struct {
	mu   sync.Mutex
	made map[string]time.Time // creation time by identifier
}

var (
	natItem  = regexp.MustCompile(`(?s)<natGatewayId>(nat-[0-9a-f]+)</natGatewayId>`)
	natState = regexp.MustCompile(`<state>available</state>`)
)

// cleanUpNAT deletes the network interfaces of a deleted NAT gateway, which moto leaves in the subnet.
func (a *AWS) cleanUpNAT(ctx context.Context, c *call) {
	if c.service != "ec2" || c.action != "DeleteNatGateway" {
		return
	}
	id := c.params["NatGatewayId"]
	found, err := a.clients.ec2.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{id}})
	if err != nil {
		a.logf("reading the network interfaces of NAT gateway %s: %v", id, err)
		return
	}
	for _, g := range found.NatGateways {
		for _, address := range g.NatGatewayAddresses {
			_, err := a.clients.ec2.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: address.NetworkInterfaceId})
			if err != nil {
				a.logf("deleting a network interface of NAT gateway %s: %v", id, err)
			}
		}
	}
}

// delay sets the state of new NAT gateways in an answer of EC2 to pending.
func (n *natTimes) delay(c *call, answer []byte, after time.Duration) []byte {
	if c.service != "ec2" || after <= 0 {
		return answer
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch c.action {
	case "CreateNatGateway":
		if n.made == nil {
			n.made = map[string]time.Time{}
		}
		for _, m := range natItem.FindAllSubmatch(answer, -1) {
			n.made[string(m[1])] = time.Now()
		}
	case "DescribeNatGateways":
	default:
		return answer
	}
	parts := splitNATs(answer)
	for i, part := range parts {
		m := natItem.FindSubmatch(part)
		if m != nil && time.Since(n.made[string(m[1])]) < after {
			parts[i] = natState.ReplaceAll(part, []byte("<state>pending</state>"))
		}
	}
	return bytes.Join(parts, nil)
}

// splitNATs cuts an answer into parts with one NAT gateway each.
func splitNATs(answer []byte) (parts [][]byte) {
	const begin = "<createTime>" // moto writes it as a gateway's first element
	for {
		next := bytes.Index(answer[min(1, len(answer)):], []byte(begin))
		if next < 0 {
			return append(parts, answer)
		}
		parts, answer = append(parts, answer[:next+1]), answer[next+1:]
	}
}
