package local

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"tfserving/internal/checkout"
	"tfserving/preview"
	"tfserving/report"
)

// reportShare is the longest time a report may take, as a part of the time of its preview.
const reportShare = 0.05

// reportShowsChanges runs `make report` on a stack that is up: without a change, with a change, and with previews that fail. The
// stack's kubeconfig, with an administrator's key, is a secret output. Neither the record nor the report may contain it.
func reportShowsChanges(t *testing.T, c *checkout.Checkout) {
	out := c.Make("report")
	if !strings.Contains(out, "Nothing changes.") {
		t.Errorf("make report, with nothing to change, does not say so:\n%s", out)
	}
	record := filepath.Join(c.Dir, ".local", "report", "local.jsonl")
	if text := rendered(t, record); !strings.HasPrefix(text, "<!-- "+report.Marker+" -->\n") {
		t.Errorf("the comment does not begin with the marker: %s", text)
	}
	var planned, took float64
	_, times, _ := strings.Cut(out, "\nplanned in ")
	if _, err := fmt.Sscanf(times, "%f s, reported in %f s", &planned, &took); err != nil || took > reportShare*planned {
		t.Errorf("the report took %.3f s and its preview %.3f s (%v); at most %.0f %% is allowed:\n%s", took, planned, err, 100*reportShare, out)
	}

	restore := c.Keep("Pulumi.local.yaml")
	c.Set("gateway.image", "zoomcamp-10-gateway:003")
	markdown := filepath.Join(t.TempDir(), "report.md")
	c.Make("report", "FORMAT=markdown", "OUT="+markdown)
	text, err := os.ReadFile(markdown)
	if err != nil {
		t.Fatal(err)
	}
	if want := "`spec.template.spec.containers[0].image`: `zoomcamp-10-gateway:002` → `zoomcamp-10-gateway:003`"; !strings.Contains(string(text), want) {
		t.Errorf("the report on another image does not contain %s:\n%s", want, text)
	}
	if again := c.Make("report", "FILE=local="+record, "FORMAT=markdown"); !strings.Contains(again, string(text)) {
		t.Errorf("the report on the record differs from the first:\n%s", again)
	}
	c.Make("report", "OF=destroy", "FORMAT=markdown", "OUT="+markdown)
	hidesTheKubeconfig(t, c, record, markdown)
	half := cutOff(t, record)

	if out := c.Make("report", "OF=refresh"); !strings.Contains(out, "Everything is as the stack left it.") {
		t.Errorf("nothing has changed in the cluster, and the report on it is:\n%s", out)
	}
	restore()

	// A preview that fails has a report, too. Here a setting is wrong, and pulumi does not run.
	c.Set("gateway.replicas", map[string]int{"min": 8, "max": 2})
	c.MakeFails([]string{"the report says why for stack local"}, "report", "FORMAT=markdown", "OUT="+markdown)
	if text, err := os.ReadFile(markdown); err != nil || !strings.Contains(string(text), "The preview failed") || !strings.Contains(string(text), "tfserving:gateway.replicas") {
		t.Errorf("the report on a wrong setting does not name it (%v):\n%s", err, text)
	}
	restore()
	// Here pulumi fails before its engine begins.
	settings := filepath.Join(c.Dir, "Pulumi.local.yaml")
	before, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, bytes.Replace(before, []byte("encryptionsalt: v1:"), []byte("encryptionsalt: v1:AA"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	c.MakeFails([]string{"The preview failed", "secrets manager", "the report says why for stack local"}, "report")
	restore()
	c.MakeFails([]string{"FORMAT=html is not a format"}, "report", "FORMAT=html")
	c.MakeFails([]string{"OF=love is nothing to report on"}, "report", "OF=love")
	c.MakeFails([]string{"cut.jsonl: line", "it is cut off"}, "report", "FILE="+half)

	// A second make in the checkout is refused and names the first one. A report on a record needs no lock.
	defer lock(t, c)()
	c.MakeFails([]string{"another `make` is at work in this checkout", strconv.Itoa(os.Getpid())}, "report")
	c.MakeFails([]string{"The preview failed"}, "report", "FILE=local="+record)
}

// rendered is the comment on a pull request that a record gives.
func rendered(t *testing.T, record string) string {
	t.Helper()
	p, err := preview.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	text, err := report.Markdown([]report.Environment{{Name: p.Stack, Preview: p}}, report.Options{At: time.Now(), Limit: report.CommentLimit})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// cutOff writes the first half of a record to a file.
func cutOff(t *testing.T, record string) string {
	t.Helper()
	data, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cut.jsonl")
	if err := os.WriteFile(file, data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// hidesTheKubeconfig fails the test if a file contains the key of the cluster's administrator.
func hidesTheKubeconfig(t *testing.T, c *checkout.Checkout, files ...string) {
	t.Helper()
	config, err := clientcmd.LoadFromFile(filepath.Join(c.Dir, ".local", "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	if err := clientcmdapi.FlattenConfig(config); err != nil { // reads the key files
		t.Fatal(err)
	}
	keys := 0
	for name, user := range config.AuthInfos {
		if len(user.ClientKeyData) == 0 {
			continue
		}
		keys++
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{string(user.ClientKeyData), base64.StdEncoding.EncodeToString(user.ClientKeyData), "PRIVATE KEY"} {
				if strings.Contains(string(data), secret) {
					t.Errorf("%s contains the key of user %s", file, name)
				}
			}
		}
	}
	if keys == 0 {
		t.Error("the kubeconfig contains no key, so the test checks nothing")
	}
}
