package report

import (
	"strings"
	"unicode/utf8"

	"tfserving/report/prose"
)

// screen renders blocks for a terminal.
type screen struct {
	colour bool
	unfold bool // show the content of folds
}

// Escape sequences of ECMA-48, select graphic rendition.
const (
	reset     = "\x1b[0m"
	bright    = "\x1b[1m"
	underline = "\x1b[4m"
	red       = "\x1b[31m"
	green     = "\x1b[32m"
	yellow    = "\x1b[33m"
	cyan      = "\x1b[36m"
)

var (
	styleColour = map[prose.Style]string{
		prose.StyleStrong: bright, prose.StyleValue: cyan, prose.StyleGood: green, prose.StyleAlarm: yellow, prose.StyleBroken: bright + red,
	}
	diffColour = map[byte]string{'+': green, '-': red, '@': bright}
)

func (s screen) painted(text, colour string) string {
	if !s.colour || colour == "" {
		return text
	}
	return colour + text + reset
}

func (s screen) render(blocks []block) string {
	var b strings.Builder
	for _, one := range blocks {
		switch one := one.(type) {
		case marker:
		case heading:
			b.WriteString("\n" + s.painted(one.text.String(), bright) + "\n\n")
		case paragraph:
			b.WriteString(s.line(one.text) + "\n")
		case list:
			for _, item := range one.items {
				b.WriteString("  - " + s.line(item) + "\n")
			}
		case table:
			b.WriteString(s.table(one))
		case fold:
			if !s.unfold {
				b.WriteString("▸ " + s.line(one.summary) + " (DIFF=1 shows it)\n")
				continue
			}
			b.WriteString("▾ " + s.line(one.summary) + "\n" + s.render(one.body))
		case listing:
			for l := range strings.SplitSeq(strings.TrimSuffix(prose.Visible(one.text, true), "\n"), "\n") {
				colour := ""
				if one.language == "diff" && l != "" {
					colour = diffColour[l[0]]
				}
				b.WriteString("    " + s.painted(l, colour) + "\n")
			}
		}
	}
	return b.String()
}

func (s screen) line(l prose.Line) string {
	var b strings.Builder
	for _, piece := range l {
		b.WriteString(s.painted(prose.Visible(piece.Text, false), styleColour[piece.Style]))
	}
	return b.String()
}

// tableColumns is the most characters that a table takes before its last column, which may wrap.
const tableColumns = 100

func (s screen) table(t table) string {
	width, before := make([]int, len(t.head)), 0
	for i, h := range t.head {
		width[i] = utf8.RuneCountInString(h)
	}
	for _, r := range t.rows {
		for i, cell := range r {
			width[i] = max(width[i], utf8.RuneCountInString(cell.String()))
		}
	}
	for _, w := range width[:len(width)-1] {
		before += w + len("  ")
	}
	if before > tableColumns {
		return s.records(t)
	}
	var b strings.Builder
	cell := func(i int, shown string, length int) {
		pad := strings.Repeat(" ", width[i]-length)
		switch {
		case i < len(t.right) && t.right[i]:
			b.WriteString("  " + pad + shown)
		case i == len(width)-1:
			b.WriteString("  " + shown)
		default:
			b.WriteString("  " + shown + pad)
		}
	}
	for i, h := range t.head {
		cell(i, s.painted(h, underline), utf8.RuneCountInString(h))
	}
	b.WriteString("\n")
	for _, r := range t.rows {
		for i, c := range r {
			cell(i, s.line(c), utf8.RuneCountInString(c.String()))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// records writes a table that is too wide for a terminal: one line for each cell, with an empty line between rows.
func (s screen) records(t table) string {
	width := 0
	for _, h := range t.head {
		width = max(width, utf8.RuneCountInString(h))
	}
	var b strings.Builder
	for i, r := range t.rows {
		if i > 0 {
			b.WriteString("\n")
		}
		for j, c := range r {
			pad := strings.Repeat(" ", width-utf8.RuneCountInString(t.head[j]))
			b.WriteString("  " + s.painted(t.head[j], underline) + pad + "  " + s.line(c) + "\n")
		}
	}
	return b.String()
}
