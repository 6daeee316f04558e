package imports

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// Stacks differ only by their settings, so that what works in one stack works in the next. docs/stacks.md lists all the
// differences, and a test of package config keeps that list complete. Package policy, which has stricter rules for prod, is not
// part of the program.
func TestProgramDoesNotNameAStack(t *testing.T) {
	files := 0
	for file, parsed := range goFiles(t) {
		if !within([]string{"program", "components", "config", "preflight", "catalog"}, file) && file != "main.go" {
			continue
		}
		files++
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
	if files < 50 {
		t.Errorf("found only %d files of the program", files)
	}
}
