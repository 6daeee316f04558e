package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// stackFile is the name of a stack's file; its group is the stack's name.
var stackFile = regexp.MustCompile(`^Pulumi\.(.+)\.yaml$`)

// ReadStackFile returns the settings in a Pulumi.<stack>.yaml file, as the program would load them.
func ReadStackFile(name string) (*Settings, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the stack's settings: %w", err)
	}
	var file struct {
		Config map[string]any `json:"config"`
	}
	converted, err := yaml.YAMLToJSONStrict(data) // strict: a key that is there twice is an error
	if err == nil {
		err = json.Unmarshal(converted, &file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the stack's settings from %s: %w", name, err)
	}
	in := input{raw: map[string]string{}}
	if parts := stackFile.FindStringSubmatch(filepath.Base(name)); parts != nil {
		in.stack = parts[1]
	}
	for key, value := range file.Config {
		in.findSecrets(key, value)
		if s, ok := value.(string); ok {
			in.raw[key] = s
			continue
		}
		data, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("reading %s from %s: %w", key, name, err)
		}
		in.raw[key] = string(data)
	}
	s, err := in.decode()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// strays says what is wrong with keys that have no namespace. Where it is plain which one is meant, the value is read as that
// key's, so that what is wrong inside is told, too.
func (in *input) strays() (wrong []string) {
	raw := maps.Clone(in.raw)
	for key, value := range in.raw {
		if strings.Contains(key, ":") {
			continue
		}
		meant := Project + ":" + key
		if "aws:"+key == regionKey {
			meant = regionKey
		} else if _, known := fieldOf(reflect.TypeFor[Settings](), key); !known {
			wrong = append(wrong, fmt.Sprintf("%s is not a setting; every setting's name begins with %s:, but for %s", key, Project, regionKey))
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s is not a setting; did you mean %s?", key, meant))
		if _, set := raw[meant]; !set {
			raw[meant] = value
		}
	}
	in.raw = raw
	return wrong
}

// secret notes a setting whose value is encrypted.
func (in *input) secret(key string) {
	if name, ours := strings.CutPrefix(key, Project+":"); ours {
		in.secrets = append(in.secrets, problem{name, "is encrypted; no setting is a secret: set it again without --secret"})
	}
}

// findSecrets notes what is encrypted in a value: Pulumi writes it as an object with the one key secure.
func (in *input) findSecrets(key string, value any) {
	switch v := value.(type) {
	case map[string]any:
		if _, ok := v["secure"].(string); ok && len(v) == 1 {
			in.secret(key)
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
