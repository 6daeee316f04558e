package report

import (
	"strings"
	"testing"
)

// Values come from the stack, so from anybody who may write to a pull request. None is read as Markdown or HTML, mentions
// nobody, refers to nothing and hides nothing.
func TestValuesAreShownAsTheyAre(t *testing.T) {
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
			if got := inline(say(value(test.text))); got != test.asValue {
				t.Errorf("as a value it is %q; want %q", got, test.asValue)
			}
			if got := inline(say(test.text)); got != test.asText {
				t.Errorf("as text it is %q; want %q", got, test.asText)
			}
			if got := summary(say(test.text)); got != test.asSummary {
				t.Errorf("as a summary it is %q; want %q", got, test.asSummary)
			}
		})
	}
}

// GitHub takes marks beside a space for stars.
func TestMarksStandBesideNoSpace(t *testing.T) {
	for text, want := range map[string]string{" (ended)": " **(ended)**", "a ": "**a** ", " ": " ", "": "", "a b": "**a b**"} {
		if got := inline(say(span{text, broken})); got != want {
			t.Errorf("%q is %q; want %q", text, got, want)
		}
	}
}

func TestAnAddressIsALinkAndNothingElseIs(t *testing.T) {
	for text, want := range map[string]string{
		"https://example.com/runs/1_2": "<https://example.com/runs/1_2>", "make report": "`make report`", "https://x> @y": "`https://x> @y`",
	} {
		if got := inline(say(place(text))); got != want {
			t.Errorf("%q is %q; want %q", text, got, want)
		}
	}
}

func TestATablesCellsEndAtNoBarOfAValue(t *testing.T) {
	got := markdown([]block{table{head: []string{"a", "b"}, right: []bool{false, true}, rows: [][]line{{say(value("x|y")), say("p|q")}}}})
	if want := "| a | b |\n|---|---:|\n| `x\\|y` | p\\|q |\n"; got != want {
		t.Errorf("the table is %q; want %q", got, want)
	}
}

func TestAListingEndsNotBeforeItsText(t *testing.T) {
	got := markdown([]block{listing{"diff", "+ ```\n+ ````x"}})
	if want := "`````diff\n+ ```\n+ ````x\n`````\n"; got != want {
		t.Errorf("the listing is %q; want %q", got, want)
	}
}

func TestATerminalGetsNoEscapeSequencesOfValues(t *testing.T) {
	blocks := []block{paragraph{say(value("\x1b]0;title\a"))}, listing{"diff", "+ \x1b[2J"}, heading{1, say("\x1b[1m")}}
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

// A table whose columns do not fit side by side is told row by row; of one that does, the last column may wrap.
func TestATerminalTellsAWideTableRowByRow(t *testing.T) {
	long := strings.Repeat("x", tableColumns)
	narrow := screen{}.table(table{head: []string{"a", "b"}, rows: [][]line{{say("1"), say(long)}}})
	if want := "  a  b\n  1  " + long + "\n"; narrow != want {
		t.Errorf("a long last cell is %q; want %q", narrow, want)
	}
	wide := screen{}.table(table{head: []string{"a", "bcd"}, rows: [][]line{{say(long), say("1")}, {say("2"), say("3")}}})
	if want := "  a    " + long + "\n  bcd  1\n\n  a    2\n  bcd  3\n"; wide != want {
		t.Errorf("a long first cell is %q; want %q", wide, want)
	}
}

func TestWhatLooksLikeACredentialIsHidden(t *testing.T) {
	for _, secret := range []string{
		"AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nMIIE",
	} {
		for how, got := range map[string]string{
			"shown": shown("x " + secret), "in lines": strings.Join(lines("x "+secret), "\n"),
			"deep": shown(map[string]any{"a": []any{secret}}), "deep, in lines": strings.Join(lines(map[string]any{"a": []any{secret}}), "\n"),
		} {
			if !strings.Contains(got, "[secret]") || strings.Contains(got, "EXAMPLE") || strings.Contains(got, "MIIE") || strings.Contains(got, "c2ln") {
				t.Errorf("%s, %q is %q", how, secret, got)
			}
		}
	}
}
