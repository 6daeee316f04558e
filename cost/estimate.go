// Package cost estimates what the resources of a stack cost a month, from what the program says of them and from
// published prices, without asking AWS. docs/cost.md says what is counted and where each price is from.
package cost

import (
	"math"
	"time"
)

// HoursPerMonth is AWS's own convention in its pricing calculator: 365 days of 24 hours over 12 months.
const HoursPerMonth = 730

// Resource is a resource as Pulumi's engine would be asked for it.
type Resource struct {
	URN    string         `json:"urn"`
	Type   string         `json:"type"` // Pulumi's token, such as aws:ec2/natGateway:NatGateway
	Name   string         `json:"name"`
	Inputs map[string]any `json:"inputs"` // as JSON decodes them; Unknown stands for a value that nobody knows yet
}

const (
	// Unknown is what the engine writes for a value that is not known before an update.
	Unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	// Secret stands for a secret.
	Secret = "[secret]"
)

// Range is an amount in USD a month: at the fewest nodes and without use, as expected, and at the most nodes.
type Range struct{ Min, Expected, Max float64 }

// Line is what one thing about a resource costs. Amounts are whole cents.
type Line struct {
	URN, Type, Name    string  // of the resource
	What               string  // what is paid for: "control plane", "spot nodes", …
	Min, Expected, Max float64 // USD a month; 0 where Unknown says why
	Unknown            string  // why there is no amount; empty where there is one
	Assumption         string  // how the amount came about, and what it takes for granted
}

// Range is the line's amounts.
func (l Line) Range() Range { return Range{l.Min, l.Expected, l.Max} }

// Estimate is what a stack costs a month, before taxes, free tier and discounts.
type Estimate struct {
	Region      string // of AWS; empty where the stack has nothing there
	At          time.Time
	Lines       []Line
	Assumptions []string // what holds for more than one line
}

// Total is the sum of the lines that have an amount. Unknown says what it lacks.
func (e *Estimate) Total() (sum Range) {
	for _, l := range e.Lines {
		sum = sum.add(l.Range(), 1)
	}
	return sum
}

// Unknown are the lines that have no amount.
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

// cents rounds an amount to whole cents, half a cent up. A product that is half a cent in decimals may be a hair less in
// binary.
func cents(usd float64) float64 {
	const hair = 1e-7 // of a cent
	return math.Round(usd*100+hair) / 100
}
