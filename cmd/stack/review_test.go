package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tfserving/config"
)

const (
	devFile = "../../Pulumi.dev.yaml"
	account = "123456789012"
)

func readDev(t *testing.T) *config.Settings {
	t.Helper()
	settings, err := config.ReadStackFile(devFile)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// makeReview makes the settings of a review stack from a stack file.
func makeReview(t *testing.T, from string, settings *config.Settings, name string) (*config.Settings, string, error) {
	t.Helper()
	source, err := config.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	text, err := reviewSettings(source, settings, account)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), config.StackFile(name))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := config.ReadStackFile(file)
	return s, string(text), err
}

func TestAReviewStackDiffersFromDevInCostCentreLogsAndImageRegistry(t *testing.T) {
	dev := readDev(t)
	got, _, err := makeReview(t, devFile, dev, "review-7")
	if err != nil {
		t.Fatal(err)
	}
	want := *dev
	want.AWS.CostCentre = "review"
	want.Cluster.LogRetentionDays = 1
	want.Model.Image = account + ".dkr.ecr.eu-west-1.amazonaws.com/tfserving-dev/" + dev.Model.Image
	want.Gateway.Image = account + ".dkr.ecr.eu-west-1.amazonaws.com/tfserving-dev/" + dev.Gateway.Image
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("it is\n%+v\nwant\n%+v", *got, want)
	}
}

// A review stack has the image that dev runs from a foreign registry.
func TestAReviewStackDoesNotShareDevsHostNameProtectionAdministratorsAndKey(t *testing.T) {
	data, err := os.ReadFile(devFile)
	if err != nil {
		t.Fatal(err)
	}
	dev := readDev(t)
	text := strings.Replace(string(data), "    owner:", "    protect: true\n    owner:", 1)
	text = strings.Replace(text, "scheme: internal", "scheme: internal\n    host: dev.example.com", 1)
	text = strings.Replace(text, "  tfserving:cluster:\n", "  tfserving:cluster:\n    administrators: [arn:aws:iam::123456789012:role/team]\n", 1)
	text = strings.Replace(text, "zoomcamp-10-gateway:002", "registry.example/gateway:1", 1)
	text += "secretsprovider: awskms://alias/state\nencryptedkey: abc\nencryptionsalt: def\n"
	dev.Gateway.Image = "registry.example/gateway:1"
	edited := filepath.Join(t.TempDir(), "Pulumi.dev.yaml")
	if err := os.WriteFile(edited, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, written, err := makeReview(t, edited, dev, "review-7")
	if err != nil {
		t.Fatal(err)
	}
	if got.AWS.Protect || len(got.Cluster.Administrators) > 0 || got.Ingress.Host != "" || got.Gateway.Image != "registry.example/gateway:1" {
		t.Errorf("it is %+v", got)
	}
	if strings.Contains(written, "encrypt") || !strings.Contains(written, "secretsprovider: awskms://alias/state\n") {
		t.Errorf("it has another secrets provider than dev, or dev's key:\n%s", written)
	}
}

func TestReviewStacksAreNamedAfterPullRequests(t *testing.T) {
	if _, _, err := makeReview(t, devFile, readDev(t), "review-123456789"); err != nil { // the longest valid name, 16 characters
		t.Error(err)
	}
	for want, args := range map[string][]string{
		"STACK is dev;":        {"dev", "-account", account},
		"STACK is review-0;":   {"review-0", "-account", account},
		"STACK is review-7/x;": {"review-7/x", "-account", account},
		"ACCOUNT is \"\";":     {"review-7"},
		"ACCOUNT is \"1$x\";":  {"review-7", "-account", "1$x"},
	} {
		s := &pulumiStack{name: args[0]}
		if err := s.review(t.Context(), args[1:]); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
