package imports

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// Promotion is by settings only: no part of the program asks which stack it is. docs/stacks.md lists all differences
// between the stacks' settings, and a test of package config keeps that list complete. Package policy, which asks more of
// prod, is no part of the program.
func TestTheProgramKnowsNoStackByName(t *testing.T) {
	seen := 0
	for file, parsed := range goFiles(t) {
		if !within([]string{"program", "components", "config", "preflight", "catalog"}, file) && file != "main.go" {
			continue
		}
		seen++
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(literal.Value); err == nil && slices.Contains([]string{"dev", "staging", "prod"}, text) {
				t.Errorf("%s names stack %s: make the difference a setting", file, text)
			}
			return true
		})
	}
	if seen < 50 {
		t.Errorf("only %d files were looked at", seen)
	}
}
