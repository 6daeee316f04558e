package cost

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tfserving/internal/page"
)

// The test reads the price table from the source of the pinned module, which the go command downloads and verifies.
func TestOnDemandPricesAreKarpenters(t *testing.T) {
	download := exec.Command("go", "mod", "download", "-json", "github.com/aws/karpenter-provider-aws@"+karpenterVersion)
	download.Dir = t.TempDir() // outside this module, which does not require karpenter
	out, err := download.Output()
	var module struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &module); jsonErr != nil || module.Error != "" {
		t.Fatalf("getting karpenter-provider-aws %s: %v %v %s", karpenterVersion, err, jsonErr, module.Error)
	}
	want := onDemandRows(t, filepath.Join(module.Dir, "pkg/providers/pricing/zz_generated.pricing_aws.go"))
	page.Whole(t, "on_demand.tsv", "go test ./cost -run OnDemand -update", want)
	if n := strings.Count(want, "\nus-east-1\tm6i."); n < 5 {
		t.Errorf("the table has only %d sizes of m6i in us-east-1, so the test reads it wrongly", n)
	}
}

// onDemandRows is the table of a Go file that declares InitialOnDemandPricesAWS, a map by region of maps by type.
func onDemandRows(t *testing.T, file string) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	generated := ""
	for _, group := range parsed.Comments {
		if text := strings.TrimSpace(group.Text()); strings.HasPrefix(text, "generated at ") {
			generated = text
		}
	}
	var rows []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, isValue := n.(*ast.ValueSpec)
		if !isValue || spec.Names[0].Name != "InitialOnDemandPricesAWS" {
			return true
		}
		for _, region := range entries(t, spec.Values[0]) {
			for _, kind := range entries(t, region.Value) {
				usd, err := strconv.ParseFloat(kind.Value.(*ast.BasicLit).Value, 64)
				if err != nil {
					t.Fatal(err)
				}
				rows = append(rows, fmt.Sprintf("%s\t%s\t%g", quoted(t, region.Key), quoted(t, kind.Key), usd))
			}
		}
		return false
	})
	slices.Sort(rows)
	return fmt.Sprintf("# What an hour on demand costs in USD, as karpenter-provider-aws %s has it (pkg/providers/pricing), %s.\n# region\ttype\tUSD\n%s\n",
		karpenterVersion, generated, strings.Join(rows, "\n"))
}

func entries(t *testing.T, of ast.Expr) (all []*ast.KeyValueExpr) {
	t.Helper()
	literal, isLiteral := of.(*ast.CompositeLit)
	if !isLiteral {
		t.Fatalf("karpenter's table has a %T where a map is expected", of)
	}
	for _, e := range literal.Elts {
		all = append(all, e.(*ast.KeyValueExpr))
	}
	return all
}

func quoted(t *testing.T, literal ast.Expr) string {
	t.Helper()
	text, err := strconv.Unquote(literal.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
