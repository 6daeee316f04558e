package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// importsOf are what the Go files under a folder import, by the file's path.
func importsOf(t *testing.T, root string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(name)
		all[key] = nil
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			all[key] = append(all[key], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// shared are the packages of what several components have in common; they may be imported by components.
var shared = []string{"workload", "podidentity"}

// data are the packages of facts about EC2 and EKS, which know nobody.
var data = []string{"ec2", "eks"}

const (
	kubernetesSDK = "github.com/pulumi/pulumi-kubernetes/"
	awsSDK        = "github.com/pulumi/pulumi-aws/"
	eksSDK        = "github.com/pulumi/pulumi-eks/"
)

// mayUse are the Pulumi packages that a component's folder may import (DESIGN.md); the others may use Kubernetes' alone.
var mayUse = map[string][]string{
	"network":      {awsSDK},
	"cluster":      {awsSDK, eksSDK},
	"delivery":     {awsSDK},
	"autoscaler":   {awsSDK, kubernetesSDK},
	"loadbalancer": {awsSDK, kubernetesSDK},
	"podidentity":  {awsSDK},
	"repositories": {awsSDK},
}

func TestImportsRunOneWay(t *testing.T) {
	seen := 0
	for file, imports := range importsOf(t, ".") {
		folder, rest, _ := strings.Cut(file, "/")
		for _, imported := range imports {
			ours, inside := strings.CutPrefix(imported, "tfserving/")
			switch folder {
			case "main.go", "eks.go", "resources.go", "stand_in.go":
				if seen++; inside && ours != "config" && !slices.Contains(data, ours) && !strings.HasPrefix(ours, "components/") {
					t.Errorf("%s imports %s; the program knows config, components and facts alone", file, imported)
				}
			case "delivery":
				if seen++; inside && ours != "config" && ours != "components/delivery" {
					t.Errorf("%s imports %s; the workflows' roles are no part of a stack", file, imported)
				}
			case "config":
				if seen++; inside && !slices.Contains(data, ours) || strings.HasPrefix(imported, kubernetesSDK) || strings.HasPrefix(imported, awsSDK) || strings.HasPrefix(imported, eksSDK) {
					t.Errorf("%s imports %s; settings know nothing of what is made from them", file, imported)
				}
			case "cost":
				if seen++; inside && !slices.Contains(data, ours) || strings.HasPrefix(imported, "github.com/pulumi/") {
					t.Errorf("%s imports %s; an estimate knows resources and prices alone", file, imported)
				}
			case "ec2", "eks":
				if seen++; inside {
					t.Errorf("%s imports %s; facts know nobody", file, imported)
				}
			case "policy":
				if seen++; inside && ours != "config" && ours != "cost" && ours != "policy" || strings.HasPrefix(imported, kubernetesSDK) || strings.HasPrefix(imported, awsSDK) || strings.HasPrefix(imported, eksSDK) {
					t.Errorf("%s imports %s; the policies know settings and prices, and not what makes the resources", file, imported)
				}
			case "preview", "report":
				if seen++; inside && (folder == "preview" || !slices.Contains([]string{"preview", "cost", "policy", "config"}, ours)) || strings.HasPrefix(imported, kubernetesSDK) || strings.HasPrefix(imported, awsSDK) || strings.HasPrefix(imported, eksSDK) {
					t.Errorf("%s imports %s; a report is made from records alone, by settings, prices and policies", file, imported)
				}
			case "components":
				seen++
				component, _, _ := strings.Cut(rest, "/")
				if sibling := strings.TrimPrefix(ours, "components/"); inside && !slices.Contains(shared, sibling) {
					t.Errorf("%s imports %s; a component knows nothing of settings, of the embedded cluster or of its siblings", file, imported)
				}
				if inside && slices.Contains(shared, component) {
					t.Errorf("%s imports %s; what components share knows none of them", file, imported)
				}
				allowed, known := mayUse[component]
				if !known {
					allowed = []string{kubernetesSDK}
				}
				for _, sdk := range []string{kubernetesSDK, awsSDK, eksSDK} {
					if strings.HasPrefix(imported, sdk) && !slices.Contains(allowed, sdk) {
						t.Errorf("%s imports %s; %s may use %v", file, imported, component, allowed)
					}
				}
			}
		}
	}
	if seen < 20 {
		t.Fatalf("only %d imports were looked at; the folders have moved", seen)
	}
}

// Objects from YAML or a chart would escape every rule that these tests hold the program to.
func TestKubernetesObjectsAreGoValues(t *testing.T) {
	for file, imports := range importsOf(t, ".") {
		for _, imported := range imports {
			if !strings.HasPrefix(imported, kubernetesSDK) {
				continue
			}
			for _, part := range strings.Split(imported, "/") {
				if part == "yaml" || part == "helm" || part == "kustomize" {
					t.Errorf("%s imports %s", file, imported)
				}
			}
		}
	}
}
