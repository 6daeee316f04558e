package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tfserving/embedded"
	"tfserving/embedded/node"
	"tfserving/examples"
)

const (
	// pausePackage is the command that every pod on a real node starts first.
	pausePackage = "./embedded/node/pause"
	// predictionTimeout bounds the wait for the first answer. The ingress controller reads the Ingress every 0.5 s, and the
	// gateway's first call of the model takes a few seconds.
	predictionTimeout = time.Minute
)

func (s *pulumiStack) pauseCommand() string { return filepath.Join(s.dir, "pause") }

// imageStore keeps the imported images, also after `make down`.
func (s *pulumiStack) imageStore() string { return filepath.Join(s.root, s.work(), "images") }

// imageArchives are the archives of images that the stack's real nodes run.
func (s *pulumiStack) imageArchives() []string {
	return []string{s.archive(examples.Gateway), s.archive(examples.Model)}
}

// prepareRealNodes makes what real nodes run: the images that `make images` has not made, and the pods' first container.
func (s *pulumiStack) prepareRealNodes(ctx context.Context) error {
	if !s.realNodes() {
		return nil
	}
	if err := s.ensureImages(ctx); err != nil {
		return err
	}
	return s.build(ctx, "the pods' first container", s.pauseCommand(), pausePackage)
}

// checkRealNodes returns an error that lists everything for which this machine cannot run the stack's real nodes.
func (s *pulumiStack) checkRealNodes(ctx context.Context) error {
	if !s.realNodes() {
		return nil
	}
	missing := node.Check(s.root, s.settings.Local.RealNodes, embedded.Imported(s.imageStore()))
	if len(s.missingImages()) > 0 {
		if err := examples.Check(ctx); err != nil {
			missing = append(missing, err.Error())
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("this machine cannot run real nodes, and nothing has been made:\n  - %s\nStack local needs none of this (make up). docs/real-nodes.md describes real containers in a kind cluster",
		strings.Join(missing, "\n  - "))
}

// awaitPrediction asks for a prediction until the gateway answers, and prints the command that asks, and the answer.
func awaitPrediction(ctx context.Context, cluster *embedded.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, predictionTimeout)
	defer cancel()
	fmt.Printf("\nThe nodes and the containers are real. A prediction:\n  %s\n", predictionCommand(cluster.IngressURL()))
	for {
		answer, err := askForPrediction(ctx, cluster.IngressURL())
		if err == nil {
			fmt.Printf("  %s\n", answer)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the gateway gave no prediction within %s: %w", predictionTimeout, err)
		case <-time.After(time.Second):
		}
	}
}

// predictionBody is a request for a prediction of the picture in the nodes' network.
const predictionBody = `{"url": "` + embedded.PictureURL + `"}`

// predictionCommand is one line for a shell that asks for a prediction.
func predictionCommand(gateway string) string {
	return fmt.Sprintf(`curl -s -H 'Content-Type: application/json' -d '%s' %s/predict`, predictionBody, gateway)
}

func askForPrediction(ctx context.Context, gateway string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, gateway+"/predict", strings.NewReader(predictionBody))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", response.Status, body)
	}
	return strings.TrimSpace(string(body)), nil
}

// missingImages are the names of the images that have no archive yet.
func (s *pulumiStack) missingImages() (names []string) {
	for _, name := range []string{examples.Gateway, examples.Model} {
		if _, err := os.Stat(s.archive(name)); errors.Is(err, os.ErrNotExist) {
			names = append(names, name)
		}
	}
	return names
}

// nextWithRealNodes are the commands to try on a stack with real nodes.
const nextWithRealNodes = `
Next:
  make traffic STACK=%[1]s           constant requests, and what happened to each
  make status STACK=%[1]s            the table above, again
  eval "$(make env STACK=%[1]s)"     then pulumi and kubectl work here as they are
  make down STACK=%[1]s              end it all
`
