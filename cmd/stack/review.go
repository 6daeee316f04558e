package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"sigs.k8s.io/yaml"

	"tfserving/components/repositories"
	"tfserving/config"
)

const (
	// reviewedStack is the one whose settings review stacks have.
	reviewedStack = "dev"
	// reviewLogDays is how long the logs of a review stack are kept: the shortest that CloudWatch Logs offers. They are
	// wanted while the stack is.
	reviewLogDays = 1
	// reviewCostCentre is what the bill of review stacks is told apart by.
	reviewCostCentre = "review"
)

var (
	reviewName = regexp.MustCompile(`^review-[1-9][0-9]*$`)
	accountID  = regexp.MustCompile(`^\d{12}$`)
)

// review writes the settings of a review stack, made from those of stack dev. The file is no part of the tree: whoever
// works on the stack has it written anew.
func review(name string, args []string) error {
	flags := flag.NewFlagSet("review", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the Makefile calls this; its word is ACCOUNT
	account := flags.String("account", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !reviewName.MatchString(name) {
		return fmt.Errorf("STACK is %s; a review stack is named after a pull request, such as review-12", name)
	}
	if !accountID.MatchString(*account) {
		return fmt.Errorf("ACCOUNT is %q; give the 12 digits of the account whose repositories hold the images of stack %s", *account, reviewedStack)
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	from := filepath.Join(root, "Pulumi."+reviewedStack+".yaml")
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("reading the settings of stack %s: %w", reviewedStack, err)
	}
	settings, err := config.ReadStackFile(from)
	if err != nil {
		return err
	}
	text, err := reviewSettings(data, settings, *account)
	if err != nil {
		return fmt.Errorf("making the settings of %s from %s: %w", name, from, err)
	}
	to := filepath.Join(root, "Pulumi."+name+".yaml")
	if err := os.WriteFile(to, text, 0o644); err != nil {
		return fmt.Errorf("writing the settings of %s: %w", name, err)
	}
	if _, err := config.ReadStackFile(to); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	fmt.Printf("wrote %s; make preview STACK=%s shows what it would make\n", filepath.Base(to), name)
	return nil
}

// reviewSettings is a stack file made from dev's: the same network, nodes and limits, so that the change is tried on the
// same thing. It runs dev's images, as nobody pushes any for it; it has no name of dev's in DNS; it bears a cost centre of
// its own; whoever makes it administers its cluster; and it makes a key of its own for its secrets.
func reviewSettings(dev []byte, settings *config.Settings, account string) ([]byte, error) {
	var file struct {
		Config          map[string]any `json:"config"`
		SecretsProvider string         `json:"secretsprovider,omitempty"`
	}
	if err := yaml.Unmarshal(dev, &file); err != nil {
		return nil, err
	}
	group := func(name string) map[string]any {
		key := config.Project + ":" + name
		if found, ok := file.Config[key].(map[string]any); ok {
			return found
		}
		made := map[string]any{}
		file.Config[key] = made
		return made
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
	return append([]byte("# Written by make review from Pulumi."+reviewedStack+".yaml.\n"), text...), err
}

// secretsProvider is who encrypts the stack's secrets, as its file says. Pulumi reads it there only once the stack exists.
func (s *stack) secretsProvider() (string, error) {
	data, err := os.ReadFile(filepath.Join(s.root, "Pulumi."+s.name+".yaml"))
	if err != nil {
		return "", err
	}
	var file struct {
		SecretsProvider string `json:"secretsprovider"`
	}
	err = yaml.Unmarshal(data, &file)
	return file.SecretsProvider, err
}
