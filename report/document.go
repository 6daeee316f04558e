package report

import "strings"

// A report is written once, as blocks, and rendered for a comment (markdown.go) and for a terminal (terminal.go).
type block interface{ isBlock() }

type (
	heading struct {
		level int
		text  line
	}
	paragraph struct{ text line }
	list      struct{ items []line }
	table     struct {
		head []string
		// right says which columns hold figures.
		right []bool
		rows  [][]line
	}
	// fold is shown when it is opened.
	fold struct {
		summary line
		body    []block
	}
	// listing is text to be shown as it is; its language says how it is coloured.
	listing struct{ language, text string }
	// marker is not shown.
	marker struct{ text string }
	// nothing is what is left of a table whose rows were all left out.
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

// line is text of one line in pieces.
type line []span

type style int

const (
	plain  style = iota
	bold         // what counts
	code         // what comes from the stack: names, values, paths
	good         // nothing to do
	alarm        // somebody should look
	broken       // it must not go on like this
	link         // an address on the web
)

type span struct {
	text  string
	style style
}

// say builds a line of strings, as plain text, spans and lines.
func say(parts ...any) (l line) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			l = append(l, span{text: p})
		case span:
			l = append(l, p)
		case line:
			l = append(l, p...)
		}
	}
	return l
}

// place is where something is to be had: an address, or a command.
func place(text string) span {
	if strings.HasPrefix(text, "https://") && !strings.ContainsAny(text, " <>`\n") {
		return span{text, link}
	}
	return value(text)
}

func value(text string) span  { return span{text, code} }
func strong(text string) span { return span{text, bold} }
