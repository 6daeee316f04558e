package node

import "testing"

func TestNodesHaveAddressesAndPodsOfTheirOwn(t *testing.T) {
	seen := map[string]bool{NetworkAddress: true, DNSAddress: true, PictureAddress: true}
	for number := 1; number <= MaxNodes; number++ {
		c := Config{Number: number}
		for _, address := range []string{c.Name(), c.Address(), c.PodCIDR()} {
			if seen[address] {
				t.Errorf("%s stands twice", address)
			}
			seen[address] = true
		}
	}
}
