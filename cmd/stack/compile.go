package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// policyFolder holds the policies that Pulumi runs and, once compiled, the command that runs them.
	policyFolder = "policy/pack"
	// policyCommand is the name under which Pulumi starts the command of a policy pack whose runtime is "prebuilt".
	policyCommand = "pulumi-analyzer-policy-prebuilt"
	// progressEvery is the time between two messages of a long compilation.
	progressEvery = 15 * time.Second
)

// policyPack is the value of Pulumi's flag --policy-pack: the folder.
func (s *pulumiStack) policyPack() string {
	return filepath.Join(s.root, filepath.FromSlash(policyFolder))
}

// compile builds the program where the language host expects it, and the policies.
func (s *pulumiStack) compile(ctx context.Context) error {
	if err := s.build(ctx, "the program", filepath.Join(s.dir, "program"), "."); err != nil {
		return err
	}
	return s.compilePolicies(ctx)
}

// compilePolicies builds the policies in the folder that Pulumi.yaml names.
func (s *pulumiStack) compilePolicies(ctx context.Context) error {
	return s.build(ctx, "the policies", filepath.Join(s.policyPack(), policyCommand), "./"+policyFolder)
}

// build compiles a package and prints progress while that takes long.
func (s *pulumiStack) build(ctx context.Context, what, to, from string) error {
	cmd := s.command(ctx, "go", "build", "-o", to, from)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin, done := time.Now(), make(chan error, 1)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("compiling %s: %w", what, err)
	}
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("compiling %s: %w\n%s", what, err, &out)
			}
			return nil
		case <-time.After(progressEvery):
			fmt.Fprintf(os.Stderr, "compiling %s, %s so far (minutes the first time, seconds later)\n", what, time.Since(begin).Round(time.Second))
		}
	}
}
