package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"sigs.k8s.io/yaml"

	"tfserving/catalog"
	"tfserving/components/repositories"
	"tfserving/config"
)

const (
	// reviewedStack is the stack whose settings review stacks copy.
	reviewedStack = "dev"
	// reviewLogDays is how many days the logs of a review stack are kept: the shortest time that CloudWatch Logs offers.
	// Nobody needs them after the stack.
	reviewLogDays = 1
	// reviewCostCentre separates the bill of review stacks from others.
	reviewCostCentre = "review"
)

var accountID = regexp.MustCompile(`^\d{12}$`)

// review writes the settings file of a review stack, made from the settings of stack dev. Git does not track the file: each
// job that uses the stack writes it again.
func (s *pulumiStack) review(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("review", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // people set ACCOUNT of the Makefile, not this flag
	account := flags.String("account", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !catalog.ReviewStack.MatchString(s.name) {
		return fmt.Errorf("STACK is %s; a review stack is named after a pull request, such as review-12", s.name)
	}
	if !accountID.MatchString(*account) {
		return fmt.Errorf("ACCOUNT is %q; give the 12 digits of the account whose repositories hold the images of stack %s", *account, reviewedStack)
	}
	from := filepath.Join(s.root, config.StackFile(reviewedStack))
	settings, err := config.ReadStackFile(from)
	if err != nil {
		return err
	}
	file, err := config.ReadFile(from)
	if err != nil {
		return err
	}
	text, err := reviewSettings(file, settings, *account)
	if err != nil {
		return fmt.Errorf("making the settings of %s from %s: %w", s.name, from, err)
	}
	if err := os.WriteFile(s.file(), text, 0o644); err != nil {
		return fmt.Errorf("writing the settings of %s: %w", s.name, err)
	}
	if _, err := config.ReadStackFile(s.file()); err != nil {
		return errors.Join(err, os.Remove(s.file()))
	}
	fmt.Printf("wrote %s; make preview STACK=%s shows what it would make\n", filepath.Base(s.file()), s.name)
	return nil
}

// reviewSettings is a stack file made from dev's. Network, nodes and limits are the same, so that the review stack shows what
// a change does to dev. These differ:
//   - The images come from dev's repositories: no job pushes images for a review stack.
//   - It has no host name and no certificate: dev's belong to dev.
//   - It has its own cost centre, its own key for secrets, no protection, and short-lived logs.
//   - The role that creates the cluster administers it, instead of dev's administrators.
func reviewSettings(file *config.File, settings *config.Settings, account string) ([]byte, error) {
	group := func(name string) map[string]any {
		key := config.Project + ":" + name
		settings, ok := file.Config[key].(map[string]any)
		if !ok {
			settings = map[string]any{}
			file.Config[key] = settings
		}
		return settings
	}
	group("aws")["costCentre"] = reviewCostCentre
	delete(group("aws"), "protect")
	delete(group("cluster"), "administrators")
	group("cluster")["logRetentionDays"] = reviewLogDays
	for _, name := range []string{"host", "certificateArn"} {
		delete(group("ingress"), name)
	}
	registry := fmt.Sprintf("%s.dkr.ecr.%s.amazonaws.com/", account, settings.Region)
	for name, image := range map[string]string{"model": settings.Model.Image, "gateway": settings.Gateway.Image} {
		ref, err := repositories.Resolve(config.ClusterName(reviewedStack), image)
		if err != nil {
			return nil, err
		}
		if ref != nil {
			group(name)["image"] = registry + ref.Repository + ref.Suffix
		}
	}
	text, err := yaml.Marshal(file)
	return append([]byte("# Written by make review from "+config.StackFile(reviewedStack)+".\n"), text...), err
}
