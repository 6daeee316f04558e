package catalog

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run generate_instance_types.go

//go:embed instance_types.tsv
var table string

// InstanceType is an EC2 instance type.
type InstanceType struct {
	Name         string // family and size, such as m6i.large
	Architecture string // as Kubernetes names it: amd64 or arm64
	VCPUs        int64
	MemoryMiB    int64
	Interfaces   int64 // most network interfaces
	IPv4s        int64 // most IPv4 addresses of each interface
}

// types returns the instance types of the table by name. It panics on a row that it cannot parse.
var types = sync.OnceValue(func() map[string]*InstanceType {
	all := map[string]*InstanceType{}
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		t, err := parse(line)
		if err != nil {
			panic(fmt.Sprintf("catalog/instance_types.tsv: %q: %v", line, err))
		}
		all[t.Name] = t
	}
	return all
})

func parse(line string) (*InstanceType, error) {
	f := strings.Split(line, "\t")
	t := &InstanceType{Name: f[0]}
	numbers := []*int64{&t.VCPUs, &t.MemoryMiB, &t.Interfaces, &t.IPv4s}
	if len(f) != 2+len(numbers) {
		return nil, fmt.Errorf("has %d columns, want %d", len(f), 2+len(numbers))
	}
	t.Architecture = f[1]
	for i, at := range numbers {
		n, err := strconv.ParseInt(f[2+i], 10, 64)
		if err != nil {
			return nil, err
		}
		*at = n
	}
	return t, nil
}

// Lookup returns a copy of the instance type with a name such as m6i.large. Its error suggests similar names.
func Lookup(name string) (*InstanceType, error) {
	if t, ok := types()[name]; ok {
		found := *t
		return &found, nil
	}
	return nil, fmt.Errorf("%q is not in the list of EC2 instance types, catalog/instance_types.tsv; did you mean %s?", name, strings.Join(Nearest(name), ", "))
}

// suggestions is the number of names that an error suggests.
const suggestions = 3

// Nearest lists the names of instance types that are most similar to a name, the most similar first.
func Nearest(name string) []string {
	name = strings.ToLower(name)
	all := slices.SortedFunc(maps.Keys(types()), func(a, b string) int {
		return cmp.Or(edits(name, a)-edits(name, b), strings.Compare(a, b))
	})
	return all[:suggestions]
}

// edits returns the Levenshtein distance: how many letters to add, remove or change to turn a into b.
func edits(a, b string) int {
	previous := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := previous[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, previous[j+1]+1, row[j]+1)
		}
		previous = row
	}
	return previous[len(b)]
}
