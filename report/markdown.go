package report

import (
	"html"
	"regexp"
	"strings"

	"tfserving/report/prose"
)

// markdown renders blocks in GitHub's Markdown.
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
			b.WriteString(fence + one.language + "\n" + prose.Visible(one.text, true) + "\n" + fence + "\n")
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
			// A bar ends a cell, also in code. GitHub removes the backslash before it.
			cells[i] = strings.ReplaceAll(strings.ReplaceAll(inline(cell), `\|`, "|"), "|", `\|`)
		}
		row(cells)
	}
	return b.String()
}

func inline(l prose.Line) string {
	var b strings.Builder
	for _, s := range l {
		switch s.Style {
		case prose.StyleValue:
			b.WriteString(codeSpan(s.Text))
		case prose.StyleLink:
			b.WriteString("<" + s.Text + ">")
		case prose.StylePlain, prose.StyleGood:
			b.WriteString(escaped(s.Text))
		default:
			// GitHub ignores marks beside a space, so spaces stay outside.
			inner := strings.TrimSpace(s.Text)
			if inner == "" {
				b.WriteString(escaped(s.Text))
				continue
			}
			before, after, _ := strings.Cut(s.Text, inner)
			b.WriteString(before + "**" + escaped(inner) + "**" + after)
		}
	}
	return b.String()
}

// summary is a line in HTML. GitHub does not read Markdown in a summary.
func summary(l prose.Line) string {
	var b strings.Builder
	for _, s := range l {
		text := html.EscapeString(unmentioned(prose.Visible(s.Text, false)))
		switch s.Style {
		case prose.StyleValue:
			text = "<code>" + text + "</code>"
		case prose.StylePlain, prose.StyleGood:
		default:
			text = "<b>" + text + "</b>"
		}
		b.WriteString(text)
	}
	return b.String()
}

// codeSpan quotes a text so that GitHub reads no Markdown, mention or reference in it.
func codeSpan(text string) string {
	text = prose.Visible(text, false)
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
	return unmentioned(special.ReplaceAllString(prose.Visible(text, false), `\$0`))
}

var mention = regexp.MustCompile(`@|#\d`)

// unmentioned adds an invisible space after @ and #, so that GitHub makes no mention or reference of the text.
func unmentioned(text string) string {
	return mention.ReplaceAllStringFunc(text, func(sign string) string { return sign[:1] + "\u200b" + sign[1:] })
}
