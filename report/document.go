package report

import "tfserving/report/prose"

// A block is a part of a report. markdown.go renders blocks for a comment, terminal.go for a terminal.
type block interface{ isBlock() }

type (
	heading struct {
		level int
		text  prose.Line
	}
	paragraph struct{ text prose.Line }
	list      struct{ items []prose.Line }
	table     struct {
		head []string
		// right says which columns are aligned to the right: those with figures.
		right []bool
		rows  [][]prose.Line
	}
	// fold is hidden until the reader opens it.
	fold struct {
		summary prose.Line
		body    []block
	}
	// listing is preformatted text. The language decides its colours.
	listing struct{ language, text string }
	// marker is an invisible comment.
	marker struct{ text string }
	// nothing renders as nothing, such as a table without rows.
	nothing struct{}
)

func (heading) isBlock()   {}
func (paragraph) isBlock() {}
func (list) isBlock()      {}
func (table) isBlock()     {}
func (fold) isBlock()      {}
func (listing) isBlock()   {}
func (marker) isBlock()    {}
func (nothing) isBlock()   {}
