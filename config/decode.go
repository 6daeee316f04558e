package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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

// Load returns the settings of the stack that the program runs for. Its error lists everything that is wrong.
func Load(ctx *pulumi.Context) (*Settings, error) {
	// The SDK looks keys up by name; only the engine's own variables tell which keys there are, and which are secrets.
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
	in := input{raw: raw, stack: ctx.Stack()}
	for _, key := range encrypted {
		in.secret(key)
	}
	return in.decode()
}

// Decode returns the settings in raw: full keys (tfserving:model) with strings as they are and everything else as JSON,
// which is how Pulumi hands them over. Of other namespaces only aws:region is read. An unknown key, a wrong type and a
// value out of range are errors; all of them are reported at once. The names that are made from the stack's are not
// looked at.
func Decode(raw map[string]string) (*Settings, error) {
	return (&input{raw: raw}).decode()
}

// input is what settings are made of.
type input struct {
	raw   map[string]string
	stack string // the stack's name, where it is known
	// secrets are the problems with values that are encrypted. Nothing else is said of their keys.
	secrets []problem
}

func (in *input) decode() (*Settings, error) {
	s := Default()
	strays := in.strays()
	s.Region = in.raw[regionKey]
	tree := map[string]any{}
	var wrong []problem
	for key, value := range in.raw {
		name, ours := strings.CutPrefix(key, Project+":")
		if !ours {
			continue
		}
		field, known := fieldOf(reflect.TypeFor[Settings](), name)
		if !known || field.Type.Kind() == reflect.String && value != "null" {
			tree[name] = value
			continue
		}
		v, err := parseJSON(value)
		if err != nil {
			wrong = append(wrong, problem{name, fmt.Sprintf("is %s; it must be %s", show(value), describe(field.Type))})
			continue
		}
		tree[name] = v
	}
	wrong = append(wrong, unknown("", tree, reflect.TypeFor[Settings]())...)
	wrong = append(wrong, decode(tree, &s)...)
	wrong = append(in.secrets, slices.DeleteFunc(wrong, func(p problem) bool { return slices.ContainsFunc(in.secrets, p.sharesKey) })...)
	// Where a value could not be read, its default stands in for it; what validation finds wrong with that is not news.
	for _, p := range s.validate() {
		if !slices.ContainsFunc(wrong, p.sharesKey) {
			wrong = append(wrong, p)
		}
	}
	all := &Error{Problems: strays}
	for _, p := range wrong {
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

// strays says what is wrong with keys that have no namespace. Where only one setting can be meant, decode reads the value as
// that setting's, so that it reports the mistakes inside it, too.
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
			wrong = append(wrong, fmt.Sprintf("%s is not a setting; every setting's name begins with %s:, except %s", key, Project, regionKey))
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

// Error lists everything that is wrong with a stack's settings, in the order of their keys.
type Error struct{ Problems []string }

func (e *Error) Error() string {
	noun := "mistakes"
	if len(e.Problems) == 1 {
		noun = "mistake"
	}
	return fmt.Sprintf("%d %s in the stack's settings (docs/settings.md describes every setting):\n  - %s", len(e.Problems), noun, strings.Join(e.Problems, "\n  - "))
}

// problem is one thing that is wrong, and the key of the setting that it is about.
type problem struct{ key, text string }

// sharesKey tells whether two problems are about the same setting, or about one and an object or list that it is in.
func (p problem) sharesKey(other problem) bool {
	inside := func(outer, inner string) bool {
		rest, ok := strings.CutPrefix(inner, outer)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	return inside(p.key, other.key) || inside(other.key, p.key)
}

// parseJSON keeps numbers as they are written, and takes no more and no less than one value.
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

// unknown finds the keys that are no settings and those without a value, which the decoder passes over.
func unknown(at string, value any, t reflect.Type) (wrong []problem) {
	switch v := value.(type) {
	case nil:
		return []problem{{at, "has no value; give it one or remove the key"}}
	case []any:
		if t.Kind() == reflect.Slice {
			for i, element := range v {
				wrong = append(wrong, unknown(fmt.Sprintf("%s[%d]", at, i), element, t.Elem())...)
			}
		}
	case map[string]any:
		for name, inner := range v {
			field, known := fieldOf(t, name)
			switch {
			case t.Kind() == reflect.Map:
				wrong = append(wrong, unknown(fmt.Sprintf("%s[%s]", at, name), inner, t.Elem())...)
			case known:
				wrong = append(wrong, unknown(join(at, name), inner, field.Type)...)
			case t.Kind() == reflect.Struct:
				wrong = append(wrong, problem{join(at, name), notASetting(name, t)})
			}
		}
	}
	return wrong
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// notASetting says what may have been meant by a key that t does not have.
func notASetting(name string, t reflect.Type) string {
	if object, _, dotted := strings.Cut(name, "."); dotted {
		if _, known := fieldOf(t, object); known {
			return fmt.Sprintf("is not a setting; a key inside %s is set with `pulumi config set --path`, or indented below it in the stack's file", object)
		}
	}
	return "is not a setting; known here: " + suggest(name, keys(t))
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

// exactTypes refuses the conversions that would hide a mistake, and says what was expected in the settings' words. It
// also gives each node group its defaults before the file's values. It never sees a key without a value.
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

// flatten lists the errors that the decoder's error is made of.
func flatten(err error) (wrong []problem) {
	switch e := err.(type) {
	case nil:
	case *mapstructure.DecodeError:
		wrong = append(wrong, problem{e.Name(), e.Unwrap().Error()})
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			wrong = append(wrong, flatten(inner)...)
		}
	case interface{ Unwrap() error }:
		wrong = flatten(e.Unwrap())
	default:
		wrong = append(wrong, problem{"", err.Error()})
	}
	return wrong
}

// digitsOnly is a number that lacks its unit.
var digitsOnly = regexp.MustCompile(`^\d+$`)

// shownLength is how much of a wrong value an error repeats, in bytes of JSON.
const shownLength = 60

// show is a value as an error repeats it.
func show(v any) string {
	text := new(strings.Builder)
	enc := json.NewEncoder(text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(v))
	}
	shown := strings.TrimSpace(text.String())
	if len(shown) > shownLength {
		shown = strings.ToValidUTF8(shown[:shownLength], "") + "…"
	}
	return shown
}
