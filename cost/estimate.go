// Package cost estimates what the resources of a stack cost a month, from their inputs and from published prices. It makes no
// calls to AWS. docs/cost.md says what is counted and where each price is from.
package cost

import (
	"math"
	"time"
)

// HoursPerMonth is AWS's own convention in its pricing calculator: 365 days of 24 hours over 12 months.
const HoursPerMonth = 730

// Range is an amount in USD a month. Min is with the fewest nodes and no requests, Max with the most nodes and full demand.
type Range struct{ Min, Expected, Max float64 }

// Line is one line of the bill: one thing that a resource is charged for. Amounts are whole cents.
type Line struct {
	URN, Type, Name    string  // of the resource
	What               string  // what is charged for: "control plane", "spot nodes", …
	Min, Expected, Max float64 // USD a month; 0 if Unknown is set
	Unknown            string  // why there is no amount; empty if there is one
	Assumption         string  // how the amount is calculated, and what it assumes
}

// Range is the line's amounts.
func (l Line) Range() Range { return Range{l.Min, l.Expected, l.Max} }

// Estimate is what a stack costs a month, before taxes, free tier and discounts.
type Estimate struct {
	Region      string // of AWS; empty if the stack has no AWS provider
	At          time.Time
	Lines       []Line
	Assumptions []string // those that hold for more than one line
	Warnings    []string // of what costs more than it must
}

// Total is the sum of the lines that have an amount. Unknown lists the others.
func (e *Estimate) Total() (sum Range) {
	for _, l := range e.Lines {
		sum = sum.add(l.Range(), 1)
	}
	return sum
}

// Unknown returns the lines that have no amount.
func (e *Estimate) Unknown() (lines []Line) {
	for _, l := range e.Lines {
		if l.Unknown != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

// add adds times (1 or -1) of another range. Sums of whole cents are whole cents again.
func (r Range) add(other Range, times float64) Range {
	return Range{cents(r.Min + times*other.Min), cents(r.Expected + times*other.Expected), cents(r.Max + times*other.Max)}
}

// cents rounds an amount to whole cents, half a cent up.
func cents(usd float64) float64 {
	// In binary, a product that is half a cent in decimals may be slightly less. The tolerance is in cents.
	const tolerance = 1e-7
	return math.Round(usd*100+tolerance) / 100
}
