package cost

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Table compares the estimates of several stacks, with a row for each thing that is charged for.
type Table struct {
	names     []string
	estimates []*Estimate
	free      []string // stacks without a line
}

// NewTable makes a table with a column for each stack, in the order of names.
func NewTable(names []string, estimates []*Estimate) *Table {
	t := &Table{}
	for i, e := range estimates {
		if len(e.Lines) == 0 {
			t.free = append(t.free, names[i])
			continue
		}
		t.names, t.estimates = append(t.names, names[i]), append(t.estimates, e)
	}
	return t
}

// cell is the sum of the lines of one stack and one row.
type cell struct {
	lines, unknown int
	sum            Range
}

// rows returns the names of the rows, the most expensive first, and the cells of each row.
func (t *Table) rows() (whats []string, cells map[string][]cell) {
	cells = map[string][]cell{}
	for i, e := range t.estimates {
		for _, l := range e.Lines {
			if cells[l.What] == nil {
				cells[l.What] = make([]cell, len(t.estimates))
				whats = append(whats, l.What)
			}
			c := &cells[l.What][i]
			c.lines++
			if l.Unknown != "" {
				c.unknown++
			}
			c.sum = c.sum.add(l.Range(), 1)
		}
	}
	expected := func(what string) (usd float64) {
		for _, c := range cells[what] {
			usd += c.sum.Expected
		}
		return usd
	}
	slices.SortFunc(whats, func(a, b string) int { return cmp.Or(cmp.Compare(expected(b), expected(a)), cmp.Compare(a, b)) })
	return whats, cells
}

const (
	whatWidth   = 38 // of the first column, in characters
	amountWidth = 9
)

// WriteText writes the table for a terminal, and below it the unknown amounts and the assumptions.
func (t *Table) WriteText(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%-*s", whatWidth, "USD a month")
	for _, name := range t.names {
		fmt.Fprintf(&out, "%*s", 3*amountWidth, name)
	}
	fmt.Fprintf(&out, "\n%-*s%s\n", whatWidth, "", strings.Repeat(fmt.Sprintf("%*s%*s%*s", amountWidth, "min", amountWidth, "expected", amountWidth, "max"), len(t.names)))
	row := func(what string, cells []cell) {
		fmt.Fprintf(&out, "%-*s", whatWidth, what)
		for _, c := range cells {
			out.WriteString(c.text())
		}
		out.WriteString("\n")
	}
	whats, cells := t.rows()
	for _, what := range whats {
		row(what, cells[what])
	}
	row("total", t.totals())
	for i, e := range t.estimates {
		fmt.Fprintf(&out, "\n%s, in %s:\n", t.names[i], cmp.Or(e.Region, "a region that is not known"))
		for _, l := range e.Lines {
			if note := cmp.Or(l.Unknown, l.Assumption); note != "" {
				if l.Unknown != "" {
					note = "UNKNOWN: " + note
				}
				fmt.Fprintf(&out, "  %s of %s: %s\n", l.What, l.Name, note)
			}
		}
	}
	for i, e := range t.estimates {
		for _, w := range e.Warnings {
			fmt.Fprintf(&out, "\nwarning: %s: %s\n", t.names[i], w)
		}
	}
	if len(t.free) > 0 {
		fmt.Fprintf(&out, "\nnothing is paid for in AWS: %s\n", strings.Join(t.free, ", "))
	}
	if assumed := t.assumptions(); len(assumed) > 0 {
		fmt.Fprintf(&out, "\nassumed (docs/cost.md has the reasons, and each price with its date):\n")
		for _, a := range assumed {
			fmt.Fprintf(&out, "  %s\n", a)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (c cell) text() string {
	switch {
	case c.lines == 0:
		return fmt.Sprintf("%*s%*s%*s", amountWidth, "-", amountWidth, "-", amountWidth, "-")
	case c.unknown == c.lines:
		return fmt.Sprintf("%*s", 3*amountWidth, "unknown")
	}
	more := ""
	if c.unknown > 0 {
		more = "+?" // unknown amounts come on top
	}
	amount := func(usd float64) string { return fmt.Sprintf("%*s", amountWidth, fmt.Sprintf("%.2f%s", usd, more)) }
	return amount(c.sum.Min) + amount(c.sum.Expected) + amount(c.sum.Max)
}

// totals are the cells of the last row: all lines of each stack.
func (t *Table) totals() []cell {
	cells := make([]cell, len(t.estimates))
	for i, e := range t.estimates {
		cells[i] = cell{lines: len(e.Lines), unknown: len(e.Unknown()), sum: e.Total()}
	}
	return cells
}

// assumptions are the different assumptions of all estimates.
func (t *Table) assumptions() (all []string) {
	for _, e := range t.estimates {
		for _, a := range e.Assumptions {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all
}

// Markdown is the table in Markdown. Each cell has the expected amount, and the minimum and maximum in brackets.
func (t *Table) Markdown() string {
	var out strings.Builder
	out.WriteString("| USD a month: expected (min to max) | " + strings.Join(t.names, " | ") + " |\n|---|" + strings.Repeat("---:|", len(t.names)) + "\n")
	row := func(what, mark string, cells []cell) {
		out.WriteString("| " + mark + what + mark + " |")
		for _, c := range cells {
			out.WriteString(" " + c.markdown(mark) + " |")
		}
		out.WriteString("\n")
	}
	whats, cells := t.rows()
	for _, what := range whats {
		row(what, "", cells[what])
	}
	row("total", "**", t.totals())
	return out.String()
}

func (c cell) markdown(mark string) string {
	switch {
	case c.lines == 0:
		return "—"
	case c.unknown == c.lines:
		return "unknown"
	}
	text := fmt.Sprintf("%s%.2f%s", mark, c.sum.Expected, mark)
	if c.sum.Min != c.sum.Max {
		text += fmt.Sprintf(" (%.2f to %.2f)", c.sum.Min, c.sum.Max)
	}
	if c.unknown > 0 {
		text += fmt.Sprintf(" plus %d unknown", c.unknown)
	}
	return text
}
