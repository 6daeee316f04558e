package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Promotion is by settings only: no part of the program asks which stack it is. In what the stacks' settings differ, config's
// test of docs/stacks.md says whole; the policies, which hold prod to more, are no part of the program.
func TestTheProgramKnowsNoStackByName(t *testing.T) {
	seen := 0
	for file := range importsOf(t, ".") {
		folder, _, nested := strings.Cut(file, "/")
		if nested && folder != "components" && folder != "config" {
			continue
		}
		seen++
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(literal.Value); err == nil && slices.Contains([]string{"dev", "staging", "prod"}, text) {
				t.Errorf("%s speaks of stack %s: make the difference a setting", file, text)
			}
			return true
		})
	}
	if seen < 50 {
		t.Errorf("only %d files were looked at", seen)
	}
}
