package report

import (
	"strings"
	"testing"

	"tfserving/report/prose"
)

// Anybody who can open a pull request can choose values. GitHub must read no Markdown, HTML, mention or reference in them, and
// every character must be visible.
func TestValuesAreShownLiterally(t *testing.T) {
	for name, test := range map[string]struct{ text, asValue, asText, asSummary string }{
		"plain":           {"general", "`general`", "general", "general"},
		"a backtick":      {"a`b", "``a`b``", "a\\`b", "a`b"},
		"only backticks":  {"``", "``` `` ```", "\\`\\`", "``"},
		"emphasis":        {"*b* _i_ ~s~", "`*b* _i_ ~s~`", `\*b\* \_i\_ \~s\~`, "*b* _i_ ~s~"},
		"HTML":            {"<script>&amp;", "`<script>&amp;`", `\<script\>\&amp;`, "&lt;script&gt;&amp;amp;"},
		"a link":          {"[x](http://y)", "`[x](http://y)`", `\[x\](http://y)`, "[x](http://y)"},
		"a mention":       {"@everybody", "`@everybody`", "@\u200beverybody", "@\u200beverybody"},
		"an issue":        {"#12", "`#12`", "\\#\u200b12", "#\u200b12"},
		"two lines":       {"a\nb", "`a⏎b`", "a⏎b", "a⏎b"},
		"a comment's end": {"--> x", "`--> x`", `--\> x`, "--&gt; x"},
		"turned around":   {"a\u202eb", "`a\ufffdb`", "a\ufffdb", "a\ufffdb"},
		"an escape":       {"\x1b[31m", "`\ufffd[31m`", "\ufffd\\[31m", "\ufffd[31m"},
		"nothing":         {"", "(empty)", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := inline(prose.Say(prose.Value(test.text))); got != test.asValue {
				t.Errorf("as a value, the text is %q; want %q", got, test.asValue)
			}
			if got := inline(prose.Say(test.text)); got != test.asText {
				t.Errorf("as plain text, the text is %q; want %q", got, test.asText)
			}
			if got := summary(prose.Say(test.text)); got != test.asSummary {
				t.Errorf("as a summary, the text is %q; want %q", got, test.asSummary)
			}
		})
	}
}

// GitHub shows ** beside a space as two asterisks.
func TestBoldTextHasNoSpacesAtItsEnds(t *testing.T) {
	for text, want := range map[string]string{" (ended)": " **(ended)**", "a ": "**a** ", " ": " ", "": "", "a b": "**a b**"} {
		if got := inline(prose.Say(prose.Broken(text))); got != want {
			t.Errorf("%q is %q; want %q", text, got, want)
		}
	}
}

func TestOnlyAnAddressIsALink(t *testing.T) {
	for text, want := range map[string]string{
		"https://example.com/runs/1_2": "<https://example.com/runs/1_2>", "make report": "`make report`", "https://x> @y": "`https://x> @y`",
	} {
		if got := inline(prose.Say(prose.Place(text))); got != want {
			t.Errorf("%q is %q; want %q", text, got, want)
		}
	}
}

func TestABarInAValueDoesNotEndItsCell(t *testing.T) {
	got := markdown([]block{table{head: []string{"a", "b"}, right: []bool{false, true}, rows: [][]prose.Line{{prose.Say(prose.Value("x|y")), prose.Say("p|q")}}}})
	if want := "| a | b |\n|---|---:|\n| `x\\|y` | p\\|q |\n"; got != want {
		t.Errorf("the table is %q; want %q", got, want)
	}
}

func TestBackticksInAListingDoNotEndIt(t *testing.T) {
	got := markdown([]block{listing{"diff", "+ ```\n+ ````x"}})
	if want := "`````diff\n+ ```\n+ ````x\n`````\n"; got != want {
		t.Errorf("the listing is %q; want %q", got, want)
	}
}

func TestATerminalGetsNoEscapeSequencesFromValues(t *testing.T) {
	blocks := []block{paragraph{prose.Say(prose.Value("\x1b]0;title\a"))}, listing{"diff", "+ \x1b[2J"}, heading{1, prose.Say("\x1b[1m")}}
	for _, s := range []screen{{colour: false}, {colour: true, unfold: true}} {
		text := s.render(blocks)
		for _, own := range []string{reset, bright, cyan, green} {
			text = strings.ReplaceAll(text, own, "")
		}
		if strings.ContainsAny(text, "\x1b\a") {
			t.Errorf("the terminal gets %q", text)
		}
	}
}

// Only the last column of a table may wrap. If the others are too wide, each cell has a line.
func TestAWideTableHasALineForEachCell(t *testing.T) {
	long := strings.Repeat("x", tableColumns)
	narrow := screen{}.table(table{head: []string{"a", "b"}, rows: [][]prose.Line{{prose.Say("1"), prose.Say(long)}}})
	if want := "  a  b\n  1  " + long + "\n"; narrow != want {
		t.Errorf("a long last cell is %q; want %q", narrow, want)
	}
	wide := screen{}.table(table{head: []string{"a", "bcd"}, rows: [][]prose.Line{{prose.Say(long), prose.Say("1")}, {prose.Say("2"), prose.Say("3")}}})
	if want := "  a    " + long + "\n  bcd  1\n\n  a    2\n  bcd  3\n"; wide != want {
		t.Errorf("a long first cell is %q; want %q", wide, want)
	}
}
