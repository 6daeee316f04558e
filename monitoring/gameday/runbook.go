package gameday

import (
	"fmt"
	"regexp"
	"strings"
)

// Section is a section of the runbook, which is a page in Markdown.
type Section struct {
	Title    string
	Anchor   string   // as GitHub makes it of the title
	Alerts   []string // that lead here, from the line "Alert: ..." or "Alerts: ..."
	NoAlert  string   // the rest of a line "No alert: ..."
	Commands string   // the first block of shell commands: what to do
}

var (
	notInAnchors = regexp.MustCompile(`[^a-z0-9 -]`)
	alertName    = regexp.MustCompile("`([A-Za-z]+)`")
)

// Anchor returns the anchor of a title.
func Anchor(title string) string {
	return strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
}

// Sections returns the sections of the third level below the heading "What to do when".
func Sections(page string) []Section {
	_, page, _ = strings.Cut(page, "\n## What to do when\n")
	page, _, _ = strings.Cut(page, "\n## ")
	var all []Section
	for _, text := range strings.Split(page, "\n### ")[1:] {
		title, body, _ := strings.Cut(text, "\n")
		s := Section{Title: title, Anchor: Anchor(title)}
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "Alert: ") || strings.HasPrefix(line, "Alerts: ") {
				for _, match := range alertName.FindAllStringSubmatch(line, -1) {
					s.Alerts = append(s.Alerts, match[1])
				}
			}
			if reason, ok := strings.CutPrefix(line, "No alert: "); ok {
				s.NoAlert = strings.TrimSpace(reason)
			}
		}
		if _, block, found := strings.Cut(body, "```sh\n"); found {
			s.Commands, _, _ = strings.Cut(block, "```")
		}
		all = append(all, s)
	}
	return all
}

// commandsFor returns the commands of the section that an alert leads to.
func commandsFor(page, alert string) (string, error) {
	for _, s := range Sections(page) {
		for _, name := range s.Alerts {
			if name == alert && s.Commands != "" {
				return s.Commands, nil
			}
		}
	}
	return "", fmt.Errorf("the runbook has no section with commands for alert %s", alert)
}
