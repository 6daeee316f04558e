package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumiconfig "github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// Load returns the settings of the stack that the engine runs the program for. Its error lists all mistakes.
func Load(ctx *pulumi.Context) (*Settings, error) {
	// The SDK only looks up known keys. The engine's variables also have the unknown keys, and the keys of secrets.
	raw, encrypted := map[string]string{}, []string{}
	for variable, into := range map[string]any{pulumi.EnvConfig: &raw, pulumi.EnvConfigSecretKeys: &encrypted} {
		if env := os.Getenv(variable); env != "" {
			if err := json.Unmarshal([]byte(env), into); err != nil {
				return nil, fmt.Errorf("reading the stack's settings from %s: %w", variable, err)
			}
		}
	}
	cfg := pulumiconfig.New(ctx, Project)
	for _, key := range keys(reflect.TypeFor[Settings]()) {
		if v := cfg.Get(key); v != "" {
			raw[Project+":"+key] = v
		}
	}
	if v := pulumiconfig.Get(ctx, regionKey); v != "" {
		raw[regionKey] = v
	}
	in := input{raw: raw, stack: ctx.Stack(), now: time.Now()}
	for _, key := range encrypted {
		in.addSecret(key)
	}
	return in.decode()
}

// Decode returns the settings in raw. Its keys are full, such as tfserving:model, and its values are as Pulumi passes them:
// text as it is, everything else as JSON. Decode ignores other namespaces, except aws:region, and does not check names that
// contain the stack's name. Its error lists all mistakes: unknown keys, wrong types and wrong values.
func Decode(raw map[string]string) (*Settings, error) {
	return (&input{raw: raw, now: time.Now()}).decode()
}

// input is a stack's settings before they are decoded.
type input struct {
	raw   map[string]string
	stack string // the stack's name; empty if it is unknown
	now   time.Time
	// secrets are the problems with encrypted values. They replace all other problems with these keys.
	secrets []problem
}

func (in *input) decode() (*Settings, error) {
	s := Default()
	if in.stack == LocalStack {
		s.Local.Nodes = NodesSimulated
	}
	all := &Error{Problems: in.addNamespaces()}
	s.Region = in.raw[regionKey]
	tree := map[string]any{}
	var problems []problem
	for key, value := range in.raw {
		name, ours := strings.CutPrefix(key, Project+":")
		if !ours {
			continue
		}
		field, known := fieldOf(reflect.TypeFor[Settings](), name)
		if !known || (field.Type.Kind() == reflect.String || field.Type == reflect.TypeFor[time.Duration]()) && value != "null" {
			tree[name] = value
			continue
		}
		v, err := parseJSON(value)
		if err != nil {
			problems = append(problems, problem{name, fmt.Sprintf("is %s; it must be %s", show(value), describe(field.Type))})
			continue
		}
		tree[name] = v
	}
	problems = append(problems, keyProblems("", tree, reflect.TypeFor[Settings]())...)
	problems = append(problems, decode(tree, &s)...)
	problems = append(in.secrets, slices.DeleteFunc(problems, func(p problem) bool { return slices.ContainsFunc(in.secrets, p.sharesKey) })...)
	// A setting that cannot be decoded has its default. Validation must not report a second problem with it.
	for _, p := range s.validate(in.now) {
		if !slices.ContainsFunc(problems, p.sharesKey) {
			problems = append(problems, p)
		}
	}
	for _, p := range problems {
		all.Problems = append(all.Problems, fmt.Sprintf("%s:%s %s", Project, p.key, p.text))
	}
	if text := s.regionProblem(); text != "" {
		all.Problems = append(all.Problems, text)
	}
	if in.stack != "" {
		all.Problems = append(all.Problems, s.nameProblems(in.stack)...)
	}
	if len(all.Problems) == 0 {
		return &s, nil
	}
	sort.Strings(all.Problems)
	return nil, all
}

// addSecret records that a setting is encrypted.
func (in *input) addSecret(key string) {
	if name, ours := strings.CutPrefix(key, Project+":"); ours {
		in.secrets = append(in.secrets, problem{name, "is encrypted; no setting is a secret: set it again without --secret"})
	}
}

// Error lists all mistakes in a stack's settings, sorted by key.
type Error struct{ Problems []string }

func (e *Error) Error() string {
	noun := "mistakes"
	if len(e.Problems) == 1 {
		noun = "mistake"
	}
	return fmt.Sprintf("%d %s in the stack's settings (docs/settings.md describes every setting):\n  - %s", len(e.Problems), noun, strings.Join(e.Problems, "\n  - "))
}

// problem is a mistake in the setting with a key.
type problem struct{ key, text string }

// sharesKey returns whether two problems have the same setting, or one is in the object or list of the other.
func (p problem) sharesKey(other problem) bool {
	inside := func(outer, inner string) bool {
		rest, ok := strings.CutPrefix(inner, outer)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	return inside(p.key, other.key) || inside(other.key, p.key)
}

// parseJSON parses exactly one value. It keeps the text of numbers.
func parseJSON(text string) (v any, err error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

func decode(tree map[string]any, into *Settings) []problem {
	dec, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		TagName:    "json",
		Result:     into,
		MatchName:  func(key, field string) bool { return key == field }, // the default ignores case
		DecodeHook: mapstructure.ComposeDecodeHookFunc(exactTypes, mapstructure.StringToTimeDurationHookFunc()),
	})
	if err != nil {
		panic(err) // the options above are constants
	}
	return flatten(dec.Decode(tree))
}

// exactTypes refuses conversions that would hide a mistake, and reports the expected type. It also sets the defaults of a
// node group before the decoder sets the file's values. The decoder does not call it for keys without a value.
func exactTypes(from, to reflect.Value) (any, error) {
	data := from.Interface()
	number, isNumber := data.(json.Number)
	text, isText := data.(string)
	wrong := func(note string) error {
		return fmt.Errorf("is %s; it must be %s%s", show(data), describe(to.Type()), note)
	}
	notText := ""
	if isText {
		notText = ", without quotes"
	}
	switch {
	case to.Type() == reflect.TypeFor[time.Duration]():
		if _, err := time.ParseDuration(text); err != nil {
			if digits := text + number.String(); digitsOnly.MatchString(digits) {
				return nil, wrong(fmt.Sprintf(" (did you mean %ss?)", digits))
			}
			return nil, wrong("")
		}
	case to.Type() == reflect.TypeFor[Quantity]():
		if !isNumber && !isText {
			return nil, wrong("")
		}
		return Quantity(text + number.String()), nil
	case to.Kind() == reflect.String && isNumber:
		return nil, wrong(", in quotes")
	case to.Kind() == reflect.String && !isText:
		return nil, wrong("")
	case to.Kind() == reflect.Int:
		if _, err := number.Int64(); err != nil {
			return nil, wrong(notText)
		}
	case to.Kind() == reflect.Bool && from.Kind() != reflect.Bool:
		return nil, wrong(notText)
	case to.Type() == reflect.TypeFor[[]string]() && isText:
		return nil, wrong(fmt.Sprintf(" (did you mean [%s]?)", show(text)))
	case to.Kind() == reflect.Slice && from.Kind() != reflect.Slice,
		(to.Kind() == reflect.Struct || to.Kind() == reflect.Map) && from.Kind() != reflect.Map:
		return nil, wrong("")
	case to.Type() == reflect.TypeFor[NodeGroup]():
		to.Set(reflect.ValueOf(defaultNodeGroup()))
	}
	return data, nil
}

// flatten lists the errors inside the decoder's error.
func flatten(err error) (problems []problem) {
	switch e := err.(type) {
	case nil:
	case *mapstructure.DecodeError:
		problems = append(problems, problem{e.Name(), e.Unwrap().Error()})
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			problems = append(problems, flatten(inner)...)
		}
	case interface{ Unwrap() error }:
		problems = flatten(e.Unwrap())
	default:
		problems = append(problems, problem{"", err.Error()})
	}
	return problems
}

// digitsOnly matches a number without a unit.
var digitsOnly = regexp.MustCompile(`^\d+$`)
