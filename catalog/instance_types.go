package catalog

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run generate_instance_types.go

//go:embed instance_types.tsv
var table string

// InstanceType is the shape of an EC2 instance.
type InstanceType struct {
	Name         string // family and size, such as m6i.large
	Architecture string // as Kubernetes names it: amd64 or arm64
	VCPUs        int64
	MemoryMiB    int64
	Interfaces   int64 // most network interfaces
	IPv4s        int64 // most IPv4 addresses on each interface
}

// types are the instance types of the table by name. A row that cannot be read is a mistake in the checked-in table.
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
		return nil, fmt.Errorf("has %d columns, not %d", len(f), 2+len(numbers))
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

// Lookup returns the instance type of a name such as m6i.large. Its error names the types that may have been meant.
func Lookup(name string) (*InstanceType, error) {
	if t, ok := types()[name]; ok {
		found := *t
		return &found, nil
	}
	return nil, fmt.Errorf("%q is not an EC2 instance type that is known here (did you mean %s? catalog/instance_types.tsv lists them all)", name, strings.Join(Nearest(name), ", "))
}

// nearest is how many names an error suggests.
const nearest = 3

// Nearest returns the known names that are most like name, the likeliest first.
func Nearest(name string) []string {
	type candidate struct {
		name  string
		edits int
	}
	var all []candidate
	for known := range types() {
		all = append(all, candidate{known, edits(strings.ToLower(name), known)})
	}
	slices.SortFunc(all, func(a, b candidate) int {
		if a.edits != b.edits {
			return a.edits - b.edits
		}
		return strings.Compare(a.name, b.name)
	})
	var names []string
	for _, c := range all[:min(nearest, len(all))] {
		names = append(names, c.name)
	}
	return names
}

// edits is how many letters have to be added, taken away or changed to make b of a (Levenshtein's distance).
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
