//go:build ignore

// This program writes catalog/instance_types.tsv: go generate ./catalog. With the table the program checks settings without
// an AWS account, and simulated nodes have the sizes of their instances. The sources are two Go modules that contain the
// answers of EC2's DescribeInstanceTypes:
//
//   - sigs.k8s.io/karpenter, kwok/examples/aws_instance_types.json: architecture, vCPUs, memory
//   - github.com/aws/karpenter-provider-aws, pkg/providers/instancetype/zz_generated.vpclimits.go: network interfaces
//     and addresses, which bound the pods of a node with the Amazon VPC CNI
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

const version = "v1.14.1" // of both modules

func main() {
	log.SetFlags(0)
	var shapes []struct {
		Name             string
		Architecture     string
		OperatingSystems []string
		Resources        map[string]string
	}
	file := filepath.Join(module("sigs.k8s.io/karpenter"), "kwok/examples/aws_instance_types.json")
	if err := json.Unmarshal(read(file), &shapes); err != nil {
		log.Fatalf("%s: %v", file, err)
	}
	limits := map[string][2]string{}
	file = filepath.Join(module("github.com/aws/karpenter-provider-aws"), "pkg/providers/instancetype/zz_generated.vpclimits.go")
	for _, m := range regexp.MustCompile(`"([a-z0-9.-]+)": \{\s+Interface:\s+(\d+),\s+IPv4PerInterface:\s+(\d+)`).FindAllStringSubmatch(string(read(file)), -1) {
		limits[m[1]] = [2]string{m[2], m[3]}
	}
	var rows []string
	for _, s := range shapes {
		limit, ok := limits[s.Name]
		if !ok || !slices.Contains(s.OperatingSystems, "linux") {
			continue
		}
		memory := resource.MustParse(s.Resources["memory"])
		if memory.IsZero() {
			continue // the source rounds less than 1 GiB down to 0, which is too little for a node of EKS
		}
		arch := map[string]string{"x86_64": "amd64", "arm64": "arm64"}[s.Architecture]
		rows = append(rows, strings.Join([]string{s.Name, arch, s.Resources["cpu"], fmt.Sprint(memory.Value() >> 20), limit[0], limit[1]}, "\t"))
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	var out bytes.Buffer
	fmt.Fprintf(&out, "# EC2 instance types of karpenter and karpenter-provider-aws %s; written by catalog/generate_instance_types.go.\n", version)
	fmt.Fprintln(&out, "# type\tarchitecture\tvCPUs\tmemory MiB\tnetwork interfaces\tIPv4 addresses per interface")
	fmt.Fprintln(&out, strings.Join(rows, "\n"))
	if err := os.WriteFile("instance_types.tsv", out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

// module downloads a Go module and returns its folder.
func module(path string) string {
	cmd := exec.Command("go", "mod", "download", "-json", path+"@"+version)
	cmd.Dir = os.TempDir()
	out, err := cmd.Output()
	if err != nil {
		log.Fatalf("downloading module %s %s: %v", path, version, err)
	}
	var got struct{ Dir string }
	if err := json.Unmarshal(out, &got); err != nil {
		log.Fatal(err)
	}
	return got.Dir
}

func read(file string) []byte {
	data, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	return data
}
