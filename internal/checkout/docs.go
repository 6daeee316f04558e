package checkout

import (
	"os"
	"path/filepath"
	"regexp"
)

// shellBlock is a shell block of a page with a name: the line <!-- run: NAME --> stands before it.
var shellBlock = regexp.MustCompile("(?s)<!-- run: ([^\n]*) -->\n```sh\n(.*?)```\n")

// ShellBlocks are the named shell blocks of a page of docs/, by their names.
func (c *Checkout) ShellBlocks(page string) map[string]string {
	c.T.Helper()
	text, err := os.ReadFile(filepath.Join(c.Dir, "docs", page))
	if err != nil {
		c.T.Fatal(err)
	}
	blocks := map[string]string{}
	for _, match := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		blocks[match[1]] = match[2]
	}
	return blocks
}
