package main

import (
	"bytes"
	"errors"
	"fmt"
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
)

const (
	kubernetesProvider = "github.com/pulumi/pulumi-kubernetes/provider/v4"
	kubernetesSDK      = "github.com/pulumi/pulumi-kubernetes/sdk/v4"
	// kindsFile contains the switch over all Kubernetes kinds, which stageKubernetesPlugin shortens.
	kindsFile = "go/kubernetes/yaml/v2/kinds.go"
)

// stageKubernetesPlugin makes in stage a module that builds the Kubernetes plugin. The module has the pins, the project's main
// package, the two data files that it embeds from the provider's module, and a short copy of the SDK.
//
// The plugin uses only one function of the SDK, RegisterResource: a switch with a case for each Kubernetes kind. A case differs
// from the default case in the Go type of its variable, which the function does not use, and for core kinds also in the token.
// The types import every typed package of the SDK, which takes about half of the plugin's compile time. The copy does not use
// them: the plugin registers the same resources and needs 80 packages less.
func stageKubernetesPlugin(source, stage string) error {
	provider, err := moduleDir(source, kubernetesProvider)
	if err != nil {
		return err
	}
	sdk, err := moduleDir(source, kubernetesSDK)
	if err != nil {
		return err
	}
	main := "pulumi-resource-kubernetes"
	copies := map[string]string{
		filepath.Join(source, "go.mod"):                                "go.mod",
		filepath.Join(source, "go.sum"):                                "go.sum",
		filepath.Join(source, main, "main.go"):                         filepath.Join(main, "main.go"),
		filepath.Join(provider, "cmd", main, "schema.json"):            filepath.Join(main, "schema.json"),
		filepath.Join(provider, "cmd", main, "terraform-mapping.json"): filepath.Join(main, "terraform-mapping.json"),
		filepath.Join(sdk, "go.mod"):                                   "sdk/go.mod",
	}
	for from, to := range copies {
		if err := copyFile(from, filepath.Join(stage, to)); err != nil {
			return err
		}
	}
	// Copy only the packages that the plugin still imports: the SDK has 4,000 files.
	for _, pkg := range []string{"go/kubernetes", "go/kubernetes/utilities", "go/kubernetes/yaml/v2", "go/kubernetes/helm/v4",
		"go/kubernetes/apiextensions", "go/kubernetes/meta/v1"} {
		files, err := filepath.Glob(filepath.Join(sdk, pkg, "*"))
		if err != nil {
			return err
		}
		for _, f := range files {
			if info, err := os.Stat(f); err != nil || !info.Mode().IsRegular() {
				continue
			}
			if err := copyFile(f, filepath.Join(stage, "sdk", pkg, filepath.Base(f))); err != nil {
				return err
			}
		}
	}
	kinds := filepath.Join(stage, "sdk", kindsFile)
	src, err := os.ReadFile(kinds)
	if err != nil {
		return err
	}
	short, err := cutTypedKinds(src)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", kindsFile, kubernetesSDK, err)
	}
	if err := os.WriteFile(kinds, short, 0o644); err != nil {
		return err
	}
	edit := exec.Command("go", "mod", "edit", "-replace="+kubernetesSDK+"=./sdk")
	edit.Dir = stage
	if out, err := edit.CombinedOutput(); err != nil {
		return fmt.Errorf("replacing the SDK by its short copy in go.mod: %w: %s", err, out)
	}
	return nil
}

// cutTypedKinds returns a Go file with a function RegisterResource that uses no Go type of a Kubernetes kind. It removes each case
// that registers the same token as the default case. The other cases are the core kinds (v1/Pod is kubernetes:core/v1:Pod): they
// keep their token and get the type of the default case. It also removes imports that only the types need. It returns an error if
// the switch has another shape, because removing a case could then change what is registered.
func cutTypedKinds(src []byte) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, kindsFile, src, 0)
	if err != nil {
		return nil, err
	}
	sw := kindsSwitch(file)
	if sw == nil {
		return nil, errors.New("there is no switch with a default case in RegisterResource")
	}
	var keep []ast.Stmt
	var kept []*ast.ValueSpec
	var untyped ast.Expr
	for _, s := range sw.Body.List {
		c := s.(*ast.CaseClause)
		res, registered := registration(c)
		if res == nil {
			return nil, fmt.Errorf("%s: a case does not register one resource", fset.Position(c.Pos()))
		}
		if c.List == nil {
			call, ok := registered.(*ast.CallExpr)
			if !ok || len(call.Args) != 3 || literal(call.Args[0]) != "kubernetes:%s:%s" {
				return nil, fmt.Errorf("%s: the default case registers another token than kubernetes:apiVersion:kind", fset.Position(c.Pos()))
			}
			untyped = res.Type
			keep = append(keep, c)
			continue
		}
		label := literal(c.List[0])
		slash := strings.LastIndex(label, "/")
		if len(c.List) != 1 || slash < 0 || literal(registered) == "" {
			return nil, fmt.Errorf("%s: a case is not one kind with one token", fset.Position(c.Pos()))
		}
		if literal(registered) != "kubernetes:"+label[:slash]+":"+label[slash+1:] {
			keep, kept = append(keep, c), append(kept, res)
		}
	}
	sw.Body.List = keep
	for _, res := range kept {
		res.Type = untyped
	}
	dropUnusedImports(file)
	var out bytes.Buffer
	if err := format.Node(&out, fset, file); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// kindsSwitch is the switch over the kinds in RegisterResource; nil if it has no default case.
func kindsSwitch(file *ast.File) *ast.SwitchStmt {
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != "RegisterResource" || fn.Body == nil {
			continue
		}
		for _, s := range fn.Body.List {
			sw, ok := s.(*ast.SwitchStmt)
			if ok && slices.ContainsFunc(sw.Body.List, func(c ast.Stmt) bool { return c.(*ast.CaseClause).List == nil }) {
				return sw
			}
		}
	}
	return nil
}

// registration returns the variable that a case declares and the token under which it registers the variable. It returns nil for
// a case that declares or registers another number of them.
func registration(c *ast.CaseClause) (res *ast.ValueSpec, token ast.Expr) {
	declared, registered := 0, 0
	ast.Inspect(c, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			declared++
			res = n
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "RegisterResource" && len(n.Args) > 0 {
				registered++
				token = n.Args[0]
			}
		}
		return true
	})
	if declared != 1 || registered != 1 {
		return nil, nil
	}
	return res, token
}

// literal is the value of a string literal; empty for any other expression.
func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(lit.Value)
	return s
}

// dropUnusedImports removes the imports that no expression or type of the file uses.
func dropUnusedImports(file *ast.File) {
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				used[x.Name] = true
			}
		}
		return true
	})
	for _, d := range file.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.IMPORT {
			continue
		}
		var keep []ast.Spec
		for _, s := range gen.Specs {
			spec := s.(*ast.ImportSpec)
			name := strings.Trim(spec.Path.Value[strings.LastIndex(spec.Path.Value, "/")+1:], `"`)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			if used[name] {
				keep = append(keep, spec)
			}
		}
		gen.Specs = keep
	}
}

// moduleDir is the folder of a module's pinned version in Go's module cache. Go downloads and verifies the module if it is missing.
func moduleDir(pins, module string) (string, error) {
	for _, args := range [][]string{{"mod", "download", module}, {"list", "-m", "-f", "{{.Dir}}", module}} {
		var problem bytes.Buffer
		cmd := exec.Command("go", args...)
		cmd.Dir = pins
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
		cmd.Stderr = &problem // not in out: go also prints its downloads there
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("getting module %s: %w: %s", module, err, tail(problem.String()))
		}
		if args[0] == "list" {
			return string(bytes.TrimSpace(out)), nil
		}
	}
	panic("unreachable")
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
