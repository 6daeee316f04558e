package main

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The cut must change nothing that is deployed: for each kind that the pinned SDK knows, the lean file registers the
// very token that the original registers. The core kinds are the ones that the default case would get wrong: it makes
// kubernetes:v1:Pod of v1/Pod, where the engine and the provider know kubernetes:core/v1:Pod only.
func TestLeanSDKRegistersTheSameToken(t *testing.T) {
	original, lean := kindsOfPinnedSDK(t)
	before, defaultBefore := tokens(t, original)
	after, defaultAfter := tokens(t, lean)
	if len(before) < 100 {
		t.Fatalf("found %d kinds in the original: the test does not read it right", len(before))
	}
	if defaultBefore != "kubernetes:%s:%s" || defaultAfter != defaultBefore {
		t.Errorf("the default case registers %q, originally %q", defaultAfter, defaultBefore)
	}
	for kind, want := range before {
		got, ok := after[kind]
		if !ok {
			slash := strings.LastIndex(kind, "/")
			got = "kubernetes:" + kind[:slash] + ":" + kind[slash+1:]
		}
		if got != want {
			t.Errorf("%s: the lean SDK registers %s, the original %s", kind, got, want)
		}
	}
	for kind, token := range after {
		if before[kind] != token {
			t.Errorf("%s: the lean SDK registers %s, the original %q", kind, token, before[kind])
		}
	}
	if after["v1/Service"] != "kubernetes:core/v1:Service" {
		t.Errorf("v1/Service is registered as %q", after["v1/Service"])
	}
}

// The lean file is cut to its purpose: no typed package is left, and no case that the default one covers.
func TestLeanSDKHasNoTypes(t *testing.T) {
	_, lean := kindsOfPinnedSDK(t)
	var imports []string
	for _, s := range lean.Imports {
		path, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, path)
	}
	if want := []string{"fmt", kubernetesSDK + "/go/kubernetes/apiextensions", "github.com/pulumi/pulumi/sdk/v3/go/pulumi"}; !slices.Equal(imports, want) {
		t.Errorf("it imports %q, want %q", imports, want)
	}
	kept, _ := tokens(t, lean)
	for kind := range kept {
		if !strings.HasPrefix(kind, "v1/") {
			t.Errorf("%s has a case of its own", kind)
		}
	}
	ast.Inspect(function(t, lean, "RegisterResource"), func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if got := source(t, v.Type); got != "apiextensions.CustomResource" {
				t.Errorf("a variable of type %s", got)
			}
		}
		return true
	})
}

// Whatever else is in the file stays as it is.
func TestLeanSDKLeavesOtherFunctionsAlone(t *testing.T) {
	original, lean := kindsOfPinnedSDK(t)
	if got, want := source(t, function(t, lean, "IsListKind")), source(t, function(t, original, "IsListKind")); got != want {
		t.Errorf("IsListKind was\n%s\nand is\n%s", want, got)
	}
	if len(lean.Decls) != len(original.Decls) {
		t.Errorf("%d declarations, originally %d", len(lean.Decls), len(original.Decls))
	}

	other := `func Other(s string) int {
	switch s {
	case "v1/Pod":
		return strings.Count(s, "/")
	default:
		return 0
	}
}`
	cut, err := cutTypedKinds([]byte(kindsSource(typedCase, defaultCase) + "\n" + other + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(cut), other) || !strings.Contains(string(cut), `"strings"`) || strings.Contains(string(cut), "appsv1") {
		t.Errorf("got\n%s", cut)
	}
}

const (
	typedCase = `case "apps/v1/Deployment":
	var res appsv1.Deployment
	err := ctx.RegisterResource("kubernetes:apps/v1:Deployment", name, props, &res, opts...)
	return &res, err`
	defaultCase = `default:
	var res apiextensions.CustomResource
	err := ctx.RegisterResource(fmt.Sprintf("kubernetes:%s:%s", apiVersion, kind), name, props, &res, opts...)
	return &res, err`
)

// kindsSource is a kinds.go of these cases.
func kindsSource(cases ...string) string {
	return `package v2

import (
	"fmt"
	"strings"

	"example.com/apiextensions"
	appsv1 "example.com/apps/v1"
	"example.com/pulumi"
)

func RegisterResource(ctx *pulumi.Context, apiVersion, kind string) (pulumi.CustomResource, error) {
	switch fmt.Sprintf("%s/%s", apiVersion, kind) {
	` + strings.Join(cases, "\n") + `
	}
}
`
}

// A file of another shape, where a cut could change what is registered, is refused: a later SDK must not be cut blindly.
func TestUnknownShapeOfTheSDKIsRefused(t *testing.T) {
	if _, err := cutTypedKinds([]byte(kindsSource(typedCase, defaultCase))); err != nil {
		t.Fatalf("the known shape is refused: %v", err)
	}
	for _, c := range []struct{ name, src, want string }{
		{"no function", strings.Replace(kindsSource(typedCase, defaultCase), "func RegisterResource", "func Register", 1), "no switch with a default case in RegisterResource"},
		{"no default case", kindsSource(typedCase), "no switch with a default case in RegisterResource"},
		{"no switch", "package v2\n\nfunc RegisterResource() {}\n", "no switch with a default case in RegisterResource"},
		{"not Go", "package", "kinds.go"},
		{"two kinds in a case", kindsSource(strings.Replace(typedCase, `":`, `", "apps/v2/Deployment":`, 1), defaultCase), "one kind with one token"},
		{"a computed token", kindsSource(strings.Replace(typedCase, `"kubernetes:apps/v1:Deployment"`, "token(kind)", 1), defaultCase), "one kind with one token"},
		{"a label without a group", kindsSource(strings.Replace(typedCase, "apps/v1/", "", 1), defaultCase), "one kind with one token"},
		{"a case that registers nothing", kindsSource("case \"apps/v1/Deployment\":\n\treturn nil, nil", defaultCase), "does not register one resource"},
		{"a case that registers two", kindsSource(typedCase+"\n\tctx.RegisterResource(\"kubernetes:a/v1:B\")", defaultCase), "does not register one resource"},
		{"another default token", kindsSource(typedCase, strings.Replace(defaultCase, "kubernetes:", "kubernetes:core/", 1)), "the default case registers another token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := cutTypedKinds([]byte(c.src))
			wantError(t, err, c.want)
		})
	}
}

// The staged module holds all that the plugin is made of: go resolves each of its packages there, the SDK's from the
// lean copy, and none of the typed ones is among them.
func TestStagedPluginIsComplete(t *testing.T) {
	stage := t.TempDir()
	if err := stageKubernetesPlugin("pulumi", stage); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}} {{.Dir}}", "./pulumi-resource-kubernetes")
	cmd.Dir = stage
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found := 0
	for line := range strings.Lines(string(out)) {
		pkg, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(pkg, kubernetesSDK+"/") {
			continue
		}
		found++
		if !strings.HasPrefix(dir, stage) {
			t.Errorf("%s comes from %s, not from the lean copy", pkg, dir)
		}
		if strings.HasSuffix(pkg, "/apps/v1") || strings.HasSuffix(pkg, "/core/v1") {
			t.Errorf("the plugin needs the typed package %s", pkg)
		}
	}
	if found == 0 {
		t.Error("the plugin imports nothing of the SDK")
	}
}

// A module that the pins do not hold is an error that names it.
func TestModuleThatIsNotPinned(t *testing.T) {
	dir := t.TempDir()
	write(t, "module m\n\ngo 1.26\n", dir, "go.mod")
	_, err := moduleDir(dir, "example.com/none")
	wantError(t, err, "getting module example.com/none")
}

// kindsOfPinnedSDK is kinds.go of the pinned SDK, as it is and cut.
func kindsOfPinnedSDK(t *testing.T) (original, lean *ast.File) {
	t.Helper()
	sdk, err := moduleDir("pulumi", kubernetesSDK)
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(filepath.Join(sdk, kindsFile))
	if err != nil {
		t.Fatal(err)
	}
	cut, err := cutTypedKinds(src)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name string
		src  []byte
		file **ast.File
	}{{"original", src, &original}, {"lean", cut, &lean}} {
		if *f.file, err = parser.ParseFile(token.NewFileSet(), f.name, f.src, 0); err != nil {
			t.Fatal(err)
		}
	}
	return original, lean
}

// tokens reads from RegisterResource which token it registers each kind with, and the format of the default one. It
// goes its own way through the file, apart from the code under test: the string in each call and the label before it.
func tokens(t *testing.T, file *ast.File) (of map[string]string, fallback string) {
	t.Helper()
	of = map[string]string{}
	ast.Inspect(function(t, file, "RegisterResource"), func(n ast.Node) bool {
		c, ok := n.(*ast.CaseClause)
		if !ok {
			return true
		}
		var registered []string
		ast.Inspect(c, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && strings.HasPrefix(s, "kubernetes:") {
					registered = append(registered, s)
				}
			}
			return true
		})
		if len(registered) != 1 {
			t.Fatalf("a case with tokens %q; want one", registered)
		}
		if c.List == nil {
			fallback = registered[0]
		}
		for _, label := range c.List {
			s, err := strconv.Unquote(label.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			of[s] = registered[0]
		}
		return true
	})
	return of, fallback
}

func function(t *testing.T, file *ast.File, name string) *ast.FuncDecl {
	t.Helper()
	for _, d := range file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == name {
			return fn
		}
	}
	t.Fatalf("no function %s", name)
	return nil
}

// source is the Go source of a node, laid out the same wherever it stood.
func source(t *testing.T, n ast.Node) string {
	t.Helper()
	var out bytes.Buffer
	if err := format.Node(&out, token.NewFileSet(), n); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
