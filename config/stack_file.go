package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"tfserving/catalog"
)

// stackFileName matches the name of a stack's file; its group is the stack's name.
var stackFileName = regexp.MustCompile(`^Pulumi\.(.+)\.yaml$`)

// StackFile returns the name of a stack's settings file.
func StackFile(stack string) string { return "Pulumi." + stack + ".yaml" }

// StackName returns the name of the stack that a settings file belongs to. It is empty for a file of another name.
func StackName(file string) string {
	if parts := stackFileName.FindStringSubmatch(filepath.Base(file)); parts != nil {
		return parts[1]
	}
	return ""
}

// StackNames lists the stacks that have a settings file in a folder, in alphabetical order.
func StackNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing the stacks: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name := StackName(e.Name()); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// EKSStacks lists the stacks of platform eks that have a settings file in a folder, without review stacks. The stack with
// the lowest VPC address is first: the checked-in stacks number their VPCs in the order in which a change reaches them.
func EKSStacks(dir string) ([]string, error) {
	names, err := StackNames(dir)
	if err != nil {
		return nil, err
	}
	vpcs := map[string]netip.Addr{}
	for _, name := range names {
		if catalog.ReviewStack.MatchString(name) {
			continue
		}
		s, err := ReadStackFile(filepath.Join(dir, StackFile(name)))
		if err != nil {
			return nil, err
		}
		if s.Platform == PlatformEKS {
			vpcs[name] = netip.MustParsePrefix(s.Network.CIDR).Addr()
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !vpcs[name].IsValid() })
	slices.SortStableFunc(names, func(a, b string) int { return vpcs[a].Compare(vpcs[b]) })
	return names, nil
}

// File is what a settings file Pulumi.<stack>.yaml holds. Config has the settings by their full keys.
type File struct {
	Config          map[string]any `json:"config"`
	SecretsProvider string         `json:"secretsprovider,omitempty"`
}

// Overlay replaces settings by those of over, which has them by their full keys. Objects that both have are merged.
func (f *File) Overlay(over map[string]any) { merge(f.Config, over) }

// Write writes the settings file.
func (f *File) Write(name string) error {
	data, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("writing settings: %w", err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return fmt.Errorf("writing settings: %w", err)
	}
	return nil
}

// ReadFile reads a settings file. It does not check the settings.
func ReadFile(name string) (*File, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the stack's settings: %w", err)
	}
	var file File
	if err := parseYAML(data, &file); err != nil {
		return nil, fmt.Errorf("reading the stack's settings from %s: %w", name, err)
	}
	if file.Config == nil {
		file.Config = map[string]any{}
	}
	return &file, nil
}

// parseYAML refuses a key that stands twice, and the numbers of YAML that JSON does not have.
func parseYAML(data []byte, into any) error {
	converted, err := yaml.YAMLToJSONStrict(data)
	if unsupported := new(json.UnsupportedValueError); errors.As(err, &unsupported) {
		return fmt.Errorf("a value is %s%s; no setting can have it: give a number, or put text in quotes", unsupported.Str, notANumber(data))
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(converted, into)
}

// infinite matches the values of YAML that are not numbers, or not finite.
var infinite = regexp.MustCompile(`(?i)(^|[\s:,[{-])[-+]?\.(nan|inf)\s*($|[,\]}])`)

// notANumber returns the first line that has a value such as .nan, and its number.
func notANumber(data []byte) string {
	for i, line := range strings.Split(string(data), "\n") {
		if code, _, _ := strings.Cut(line, " #"); infinite.MatchString(code) {
			return fmt.Sprintf(" (line %d: %s)", i+1, strings.TrimSpace(code))
		}
	}
	return ""
}

// Values returns the settings as Pulumi passes them to a program: text as it is, everything else as JSON.
func (f *File) Values() (map[string]string, error) {
	values := map[string]string{}
	for key, value := range f.Config {
		if text, ok := value.(string); ok {
			values[key] = text
			continue
		}
		data, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", key, err)
		}
		values[key] = string(data)
	}
	return values, nil
}

// ReadStackFile returns the settings in a Pulumi.<stack>.yaml file, as the program would load them. Overlays are YAML as
// it stands below config: in such a file. Each replaces the settings that it has, and keeps the others.
func ReadStackFile(name string, overlays ...string) (*Settings, error) {
	file, err := ReadFile(name)
	if err != nil {
		return nil, err
	}
	for _, text := range overlays {
		over := map[string]any{}
		if err := parseYAML([]byte(text), &over); err != nil {
			return nil, fmt.Errorf("reading settings that replace those of %s: %w", name, err)
		}
		merge(file.Config, over)
	}
	in := input{stack: StackName(name), now: time.Now()}
	if in.raw, err = file.Values(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for key, value := range file.Config {
		in.findSecrets(key, value)
	}
	s, err := in.decode()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// merge copies the values of from into an object, and merges the objects that both have.
func merge(into, from map[string]any) {
	for key, value := range from {
		below, isObject := value.(map[string]any)
		if there, ok := into[key].(map[string]any); ok && isObject {
			merge(there, below)
			continue
		}
		into[key] = value
	}
}

// findSecrets records the encrypted settings in a value. Pulumi writes each as an object with the single key secure.
func (in *input) findSecrets(key string, value any) {
	switch v := value.(type) {
	case map[string]any:
		if _, ok := v["secure"].(string); ok && len(v) == 1 {
			in.addSecret(key)
			return
		}
		for name, inner := range v {
			in.findSecrets(key+"."+name, inner)
		}
	case []any:
		for i, inner := range v {
			in.findSecrets(fmt.Sprintf("%s[%d]", key, i), inner)
		}
	}
}
