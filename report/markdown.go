package report

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

// markdown renders blocks as GitHub reads them.
func markdown(blocks []block) string {
	var b strings.Builder
	for _, one := range blocks {
		if _, is := one.(nothing); is {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		switch one := one.(type) {
		case marker:
			b.WriteString("<!-- " + strings.ReplaceAll(one.text, "--", "- -") + " -->\n")
		case heading:
			b.WriteString(strings.Repeat("#", one.level) + " " + inline(one.text) + "\n")
		case paragraph:
			b.WriteString(inline(one.text) + "\n")
		case list:
			for _, item := range one.items {
				b.WriteString("- " + inline(item) + "\n")
			}
		case table:
			b.WriteString(one.markdown())
		case fold:
			b.WriteString("<details><summary>" + summary(one.summary) + "</summary>\n\n" + markdown(one.body) + "\n</details>\n")
		case listing:
			fence := strings.Repeat("`", max(3, longestRun(one.text)+1))
			b.WriteString(fence + one.language + "\n" + visible(one.text, true) + "\n" + fence + "\n")
		}
	}
	return b.String()
}

func (t table) markdown() string {
	var b strings.Builder
	row := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	row(t.head)
	rule := make([]string, len(t.head))
	for i := range rule {
		if rule[i] = "---"; i < len(t.right) && t.right[i] {
			rule[i] = "---:"
		}
	}
	b.WriteString("|" + strings.Join(rule, "|") + "|\n")
	for _, r := range t.rows {
		cells := make([]string, len(r))
		for i, cell := range r {
			// A table's cells end at a bar, in code too; there the backslash is taken away again.
			cells[i] = strings.ReplaceAll(strings.ReplaceAll(inline(cell), `\|`, "|"), "|", `\|`)
		}
		row(cells)
	}
	return b.String()
}

func inline(l line) string {
	var b strings.Builder
	for _, s := range l {
		switch s.style {
		case code:
			b.WriteString(codeSpan(s.text))
		case link:
			b.WriteString("<" + s.text + ">")
		case plain, good:
			b.WriteString(escaped(s.text))
		default:
			// Marks beside a space are no marks: it stays outside.
			inner := strings.TrimSpace(s.text)
			if inner == "" {
				b.WriteString(escaped(s.text))
				continue
			}
			before, after, _ := strings.Cut(s.text, inner)
			b.WriteString(before + "**" + escaped(inner) + "**" + after)
		}
	}
	return b.String()
}

// summary is a line in HTML: Markdown is not read there.
func summary(l line) string {
	var b strings.Builder
	for _, s := range l {
		text := html.EscapeString(unmentioned(visible(s.text, false)))
		switch s.style {
		case code:
			text = "<code>" + text + "</code>"
		case plain, good:
		default:
			text = "<b>" + text + "</b>"
		}
		b.WriteString(text)
	}
	return b.String()
}

// codeSpan quotes a text so that nothing in it is read as Markdown, a mention or a reference.
func codeSpan(text string) string {
	text = visible(text, false)
	if strings.TrimSpace(text) == "" {
		return "(empty)"
	}
	fence := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

func longestRun(text string) (longest int) {
	run := 0
	for _, r := range text {
		if run++; r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

var special = regexp.MustCompile("[\\\\`*_{}\\[\\]<>#|~&]")

func escaped(text string) string {
	return unmentioned(special.ReplaceAllString(visible(text, false), `\$0`))
}

var mention = regexp.MustCompile(`@|#\d`)

// unmentioned keeps GitHub from telling a person, or an issue, that it was mentioned: an unseen space follows the sign.
func unmentioned(text string) string {
	return mention.ReplaceAllStringFunc(text, func(sign string) string { return sign[:1] + "\u200b" + sign[1:] })
}

// visible replaces what would not be seen or would turn the text around it: control and formatting characters.
func visible(text string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
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
