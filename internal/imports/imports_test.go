// Package imports holds tests of the source itself: which package may import which, and what the program must not contain.
package imports

import (
	"go/ast"
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

// root is the checkout.
const root = "../.."

// goFiles returns the parsed Go files of the checkout without its tests, by their slash-separated path.
func goFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	all := map[string]*ast.File{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "tools") {
			return fs.SkipDir // tools is a module of its own
		}
		if entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		all[filepath.ToSlash(relative)] = file
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func importsOf(t *testing.T, file *ast.File) (all []string) {
	t.Helper()
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, imported)
	}
	return all
}

// sharedComponents are the packages of components/ that its other packages may import.
var sharedComponents = []string{"components/workload", "components/podidentity"}

// mayImport maps a folder to the project's own packages that its packages may import, and to Pulumi's SDKs. "components"
// allows every package below components/. The rule for a package is that of the deepest folder that contains it.
var mayImport = map[string][]string{
	".":                       {"program"},
	"program":                 {"components", "preflight", "rollout", "config", "catalog", awsSDK, kubernetesSDK},
	"dryrun":                  {"program", "preflight", "config", "resource", "internal/mockengine"},
	"preflight":               {"catalog"},
	"rollout":                 {},
	"config":                  {"catalog"},
	"catalog":                 {},
	"resource":                {},
	"cost":                    {"resource", "catalog", "config"},
	"policy":                  {"resource", "catalog", "config", "cost"},
	"policy/pack":             {"resource", "config", "policy"},
	"preview":                 {"resource", "catalog", "config"},
	"report":                  {"report", "preview", "cost", "policy", "resource", "config", "catalog"},
	"delivery":                {"components/delivery", "config", awsSDK},
	"embedded":                {"embedded", "catalog", "components/autoscaler", "monitoring"},
	"monitoring":              {"monitoring"},
	"examples":                {"embedded/images"},
	"rehearsal":               {"rehearsal", "embedded", "catalog"},
	"cmd":                     {"catalog", "components", "config", "cost", "embedded", "examples", "monitoring", "preview", "report", "rollout"}, // without dryrun, which links every SDK
	"cmd/cost":                {"config", "cost", "dryrun"},
	"cmd/prices":              {"catalog", "cost", "preflight"},
	"internal":                {},
	"test":                    {"catalog", "components", "config", "internal", "monitoring", "preflight", "rehearsal", "test", awsSDK, eksSDK, kubernetesSDK},
	"components/network":      {"catalog", awsSDK},
	"components/cluster":      {"catalog", awsSDK, eksSDK},
	"components/delivery":     {awsSDK},
	"components/schedule":     {"catalog", kubernetesSDK},
	"components/autoscaler":   {"catalog", awsSDK, kubernetesSDK},
	"components/monitoring":   {"catalog", "monitoring", awsSDK, kubernetesSDK},
	"components/loadbalancer": {"catalog", awsSDK, kubernetesSDK},
	"components/podidentity":  {"catalog", awsSDK},
	"components/repositories": {awsSDK},
	"components/gateway":      {"catalog", kubernetesSDK},
	"components/modelserver":  {"catalog", kubernetesSDK},
	"components/namespace":    {"catalog", kubernetesSDK},
	"components/workload":     {"catalog", kubernetesSDK},
}

const (
	kubernetesSDK = "github.com/pulumi/pulumi-kubernetes"
	awsSDK        = "github.com/pulumi/pulumi-aws"
	eksSDK        = "github.com/pulumi/pulumi-eks"
)

// within returns whether a package is in a list of folders, or below one of them.
func within(folders []string, pkg string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") })
}

// ruleFolder returns the deepest folder of mayImport that contains a package, and whether there is one.
func ruleFolder(pkg string) (folder string, exists bool) {
	for folder := pkg; ; folder = path.Dir(folder) {
		if folder == "." && pkg != "." { // the rule of the top folder holds for no package below it
			return "", false
		}
		if _, exists := mayImport[folder]; exists {
			return folder, true
		}
	}
}

func TestImportsRunOneWay(t *testing.T) {
	used := map[string]bool{}
	for file, parsed := range goFiles(t) {
		folder, exists := ruleFolder(path.Dir(file))
		if !exists {
			t.Errorf("no import rule covers %s: add its folder to mayImport", file)
			continue
		}
		used[folder] = true
		allowed := mayImport[folder]
		if strings.HasPrefix(folder, "components/") && !slices.Contains(sharedComponents, folder) {
			allowed = append(slices.Clone(allowed), sharedComponents...)
		}
		for _, imported := range importsOf(t, parsed) {
			ours, isOurs := strings.CutPrefix(imported, "tfserving/")
			isSDK := within([]string{kubernetesSDK, awsSDK, eksSDK}, imported)
			if isOurs && !within(allowed, ours) || isSDK && !within(allowed, imported) {
				t.Errorf("%s imports %s, but packages in %s may import only %s", file, imported, folder, strings.Join(allowed, ", "))
			}
		}
	}
	for folder := range mayImport {
		if !used[folder] {
			t.Errorf("there is no Go file in %s: remove the folder from mayImport", folder)
		}
	}
}

func TestMainIsTheOnlyGoFileInTheTopFolder(t *testing.T) {
	files, err := filepath.Glob(root + "/*.go")
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != "main.go" {
		t.Errorf("Go files in the top folder are %v (%v), want only main.go", files, err)
	}
}

func TestEveryPackageHasADocComment(t *testing.T) {
	documented := map[string]bool{}
	for file, parsed := range goFiles(t) {
		folder := path.Dir(file)
		documented[folder] = documented[folder] || parsed.Doc != nil
	}
	for folder, has := range documented {
		if !has {
			t.Errorf("package %s has no doc comment", folder)
		}
	}
}

// The tests of the resource graph cannot check objects from YAML or from a chart, and those packages of the SDK take minutes
// to compile.
func TestKubernetesObjectsComeFromGoCode(t *testing.T) {
	for file, parsed := range goFiles(t) {
		for _, imported := range importsOf(t, parsed) {
			if !within([]string{kubernetesSDK}, imported) {
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
