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

// The shorter SDK must not change what is deployed. Core kinds need their own cases: the default case makes kubernetes:v1:Pod of
// v1/Pod, and the engine and the provider accept only kubernetes:core/v1:Pod.
func TestTheShortSDKRegistersEveryKindUnderTheSameToken(t *testing.T) {
	original, short := kindsOfPinnedSDK(t)
	before, defaultBefore := tokens(t, original)
	after, defaultAfter := tokens(t, short)
	if len(before) < 100 {
		t.Fatalf("found only %d kinds in the original", len(before))
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
			t.Errorf("%s: the short SDK registers %s, the original %s", kind, got, want)
		}
	}
	for kind, token := range after {
		if before[kind] != token {
			t.Errorf("%s: the short SDK registers %s, the original %q", kind, token, before[kind])
		}
	}
	if after["v1/Service"] != "kubernetes:core/v1:Service" {
		t.Errorf("v1/Service is registered as %q", after["v1/Service"])
	}
}

// It imports no typed package, and has no case that the default case covers.
func TestTheShortSDKUsesNoTypedPackage(t *testing.T) {
	_, short := kindsOfPinnedSDK(t)
	var imports []string
	for _, s := range short.Imports {
		path, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, path)
	}
	if want := []string{"fmt", kubernetesSDK + "/go/kubernetes/apiextensions", "github.com/pulumi/pulumi/sdk/v3/go/pulumi"}; !slices.Equal(imports, want) {
		t.Errorf("the short SDK imports %q, want %q", imports, want)
	}
	kept, _ := tokens(t, short)
	for kind := range kept {
		if !strings.HasPrefix(kind, "v1/") {
			t.Errorf("%s has its own case", kind)
		}
	}
	ast.Inspect(function(t, short, "RegisterResource"), func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if got := source(t, v.Type); got != "apiextensions.CustomResource" {
				t.Errorf("a variable of type %s", got)
			}
		}
		return true
	})
}

func TestTheShortSDKKeepsAllOtherFunctions(t *testing.T) {
	original, short := kindsOfPinnedSDK(t)
	if got, want := source(t, function(t, short, "IsListKind")), source(t, function(t, original, "IsListKind")); got != want {
		t.Errorf("IsListKind was\n%s\nand is\n%s", want, got)
	}
	if len(short.Decls) != len(original.Decls) {
		t.Errorf("%d declarations, originally %d", len(short.Decls), len(original.Decls))
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

// In a file of another shape, as a later SDK may have, removing a case could change what is registered.
func TestAnSDKOfAnotherShapeIsRefused(t *testing.T) {
	if _, err := cutTypedKinds([]byte(kindsSource(typedCase, defaultCase))); err != nil {
		t.Fatalf("the known shape is refused: %v", err)
	}
	for _, c := range []struct{ name, src, want string }{
		{"no function", strings.Replace(kindsSource(typedCase, defaultCase), "func RegisterResource", "func Register", 1), "there is no switch with a default case in RegisterResource"},
		{"no default case", kindsSource(typedCase), "there is no switch with a default case in RegisterResource"},
		{"no switch", "package v2\n\nfunc RegisterResource() {}\n", "there is no switch with a default case in RegisterResource"},
		{"not Go", "package", "kinds.go"},
		{"two kinds in a case", kindsSource(strings.Replace(typedCase, `":`, `", "apps/v2/Deployment":`, 1), defaultCase), "is not one kind with one token"},
		{"a computed token", kindsSource(strings.Replace(typedCase, `"kubernetes:apps/v1:Deployment"`, "token(kind)", 1), defaultCase), "is not one kind with one token"},
		{"a label without a group", kindsSource(strings.Replace(typedCase, "apps/v1/", "", 1), defaultCase), "is not one kind with one token"},
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

// go finds every package of the plugin in the prepared module, and those of the SDK in the short copy. No typed package is among
// them.
func TestThePreparedModuleContainsEverythingThePluginNeeds(t *testing.T) {
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
			t.Errorf("%s comes from %s, not from the short copy", pkg, dir)
		}
		if strings.HasSuffix(pkg, "/apps/v1") || strings.HasSuffix(pkg, "/core/v1") {
			t.Errorf("the plugin needs the typed package %s", pkg)
		}
	}
	if found == 0 {
		t.Error("the plugin imports nothing of the SDK")
	}
}

func TestAModuleThatIsNotPinnedIsAnErrorThatNamesIt(t *testing.T) {
	dir := t.TempDir()
	write(t, "module m\n\ngo 1.26\n", dir, "go.mod")
	_, err := moduleDir(dir, "example.com/none")
	wantError(t, err, "getting module example.com/none")
}

// kindsOfPinnedSDK is kinds.go of the pinned SDK, in the original and the short form.
func kindsOfPinnedSDK(t *testing.T) (original, short *ast.File) {
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
	}{{"original", src, &original}, {"short", cut, &short}} {
		if *f.file, err = parser.ParseFile(token.NewFileSet(), f.name, f.src, 0); err != nil {
			t.Fatal(err)
		}
	}
	return original, short
}

// tokens reads from RegisterResource the token of each kind, and the format of the default case. It does not use the code under
// test: it reads the string in each call and the label before it.
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

// source is the formatted Go source of a node.
func source(t *testing.T, n ast.Node) string {
	t.Helper()
	var out bytes.Buffer
	if err := format.Node(&out, token.NewFileSet(), n); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
