// Package prose writes the sentences of a report: lines of text in pieces with a style, and values of any type as text.
package prose

import (
	"strings"
	"unicode"
)

// Line is one line of text in pieces.
type Line []Span

// Span is a piece of a line.
type Span struct {
	Text  string
	Style Style
}

// Style is the look of a span.
type Style int

// The styles.
const (
	StylePlain  Style = iota
	StyleStrong       // an important figure
	StyleValue        // text from the stack: a name, a value, a path
	StyleGood         // nothing to do
	StyleAlarm        // a person should check it
	StyleBroken       // an error: the change cannot be made as it is
	StyleLink         // an https address
)

// Strong is a span for an important figure.
func Strong(text string) Span { return Span{text, StyleStrong} }

// Value is a span for text from the stack.
func Value(text string) Span { return Span{text, StyleValue} }

// Good is a span for a state in which there is nothing to do.
func Good(text string) Span { return Span{text, StyleGood} }

// Alarm is a span for something that a person should check.
func Alarm(text string) Span { return Span{text, StyleAlarm} }

// Broken is a span for an error.
func Broken(text string) Span { return Span{text, StyleBroken} }

// Place is a span for an https address, or for a command.
func Place(text string) Span {
	if strings.HasPrefix(text, "https://") && !strings.ContainsAny(text, " <>`\n") {
		return Span{text, StyleLink}
	}
	return Value(text)
}

// Say builds a line from strings, spans and lines.
func Say(parts ...any) (l Line) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			l = append(l, Span{Text: p})
		case Span:
			l = append(l, p)
		case Line:
			l = append(l, p...)
		}
	}
	return l
}

// String is the text of the line without styles.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(Visible(s.Text, false))
	}
	return b.String()
}

// Visible replaces characters that a reader cannot see or that change the direction of the text around them: control and
// formatting characters. keepLines keeps line breaks.
func Visible(text string, keepLines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && keepLines:
			return r
		case r == '\n':
			return '⏎'
		case r == '\t':
			return ' '
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
