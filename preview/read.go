package preview

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"

	"tfserving/resource"
)

// pulumiVersion is the version of Pulumi whose events this package reads. The log does not have the version.
const pulumiVersion = "v3.230.0"

// violationError is the engine's error about mandatory violations. Such a preview is complete: the engine continues after a
// violation (engine v3.230.0, step_generator.go).
const violationError = "preview failed"

// ReadFile reads a log from a file, which may be compressed with gzip.
func ReadFile(name string) (*Preview, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the record of a preview: %w", err)
	}
	defer f.Close()
	p, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("reading the record of a preview, %s: %w", name, err)
	}
	return p, nil
}

// Read reads a log to its end. It fails if the log is empty, incomplete or not the engine's, or has a field, an operation or a
// level that this package does not read: ignoring one would make the preview incomplete.
func Read(r io.Reader) (*Preview, error) {
	buffered := bufio.NewReader(r)
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("it looks compressed, but: %w", err)
		}
		buffered = bufio.NewReader(unzipped)
	}
	data, err := io.ReadAll(buffered)
	if err != nil {
		return nil, fmt.Errorf("it ends too early: %w", err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("it is empty: the preview was stopped before Pulumi's engine began, or nothing was recorded")
	}
	events := &reader{preview: &Preview{Packs: map[string]string{}}, steps: map[string]int{}, refreshed: map[string]bool{}}
	number, ended := 0, false
	for line := range bytes.Lines(data) {
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		event, err := decode(line)
		if err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) && !bytes.HasSuffix(line, []byte("\n")) {
				err = fmt.Errorf("it is cut off: %w", err)
			}
			return nil, fmt.Errorf("line %d: %w", number, explain(data, err))
		}
		if err := events.add(event); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		ended = event.CancelEvent != nil
	}
	if !ended {
		return nil, fmt.Errorf("it is cut off after line %d: the engine's last event is missing. The preview was killed, or is still under way", number)
	}
	return events.finish()
}

// decode reads one event. It fails on an unknown field and on an event without a known kind.
func decode(line []byte) (*apitype.EngineEvent, error) {
	var event apitype.EngineEvent
	in := json.NewDecoder(bytes.NewReader(line))
	in.DisallowUnknownFields()
	if err := in.Decode(&event); err != nil {
		if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
			if !isEvent(line) {
				return nil, fmt.Errorf("no event of Pulumi's engine: it has none of an event's fields, but %s", field)
			}
			return nil, fmt.Errorf("field %s is not known; another Pulumi than %s has written it (`make tools` gets that one)", field, pulumiVersion)
		}
		return nil, fmt.Errorf("no event of Pulumi's engine: %w", err)
	}
	kinds := reflect.ValueOf(event)
	for i := range kinds.NumField() {
		if f := kinds.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			return &event, nil
		}
	}
	return nil, errors.New("no event of Pulumi's engine: it is of no kind")
}

// isEvent says whether an object has at least one field of the engine's events.
func isEvent(line []byte) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil {
		return false
	}
	event := reflect.TypeFor[apitype.EngineEvent]()
	for i := range event.NumField() {
		name, _, _ := strings.Cut(event.Field(i).Tag.Get("json"), ",")
		if _, has := fields[name]; has {
			return true
		}
	}
	return false
}

// explain returns a clearer error for a file that is the document of `pulumi preview --json`.
func explain(data []byte, err error) error {
	var document struct{ Steps, ChangeSummary json.RawMessage }
	if json.Unmarshal(data, &document) == nil && (document.Steps != nil || document.ChangeSummary != nil) {
		return errors.New("this is the document of `pulumi preview --json`, which lacks policy violations and unchanged resources: record with --event-log instead (`make report` does)")
	}
	return err
}

// reader builds a preview from events.
type reader struct {
	preview   *Preview
	steps     map[string]int  // index in preview.Steps by URN
	refreshed map[string]bool // URNs of refreshed resources
	leftovers []Step          // deletions that may be part of a replacement
	planned   bool            // whether there is any step but refreshes
}

func (r *reader) add(e *apitype.EngineEvent) error {
	p := r.preview
	switch {
	case e.ResourcePreEvent != nil:
		return r.plan(e.ResourcePreEvent.Metadata)
	case e.ResOutputsEvent != nil:
		return r.complete(e.ResOutputsEvent.Metadata)
	case e.ResOpFailedEvent != nil:
		m := e.ResOpFailedEvent.Metadata
		p.Errors = append(p.Errors, Message{URN: m.URN, Text: string(m.Op) + " failed"})
	case e.DiagnosticEvent != nil:
		d := e.DiagnosticEvent
		// The program's output has severity info, and its error output info#err.
		message := Message{URN: d.URN, Text: plain(d.Message)}
		switch {
		case d.Ephemeral || message.Text == "":
		case d.Severity == "error":
			p.Errors = append(p.Errors, message)
		case d.Severity == "warning":
			p.Warnings = append(p.Warnings, message)
		}
	case e.ErrorEvent != nil:
		p.Errors = append(p.Errors, Message{Text: plain(e.ErrorEvent.Error)})
	case e.PolicyEvent != nil:
		v := e.PolicyEvent
		switch apitype.EnforcementLevel(v.EnforcementLevel) {
		case apitype.Mandatory, apitype.Advisory, "warning": // "warning" is the documentation's name for advisory
		default:
			return fmt.Errorf("policy %s is enforced at level %q, which is not known", v.PolicyName, v.EnforcementLevel)
		}
		p.Violations = append(p.Violations, Violation{
			URN: v.ResourceURN, Pack: v.PolicyPackName, Policy: v.PolicyName, Text: plain(v.Message),
			Mandatory: apitype.EnforcementLevel(v.EnforcementLevel) == apitype.Mandatory,
		})
	case e.PreludeEvent != nil:
		p.Config = e.PreludeEvent.Config
	case e.SummaryEvent != nil:
		p.Took = time.Duration(e.SummaryEvent.DurationSeconds) * time.Second
		maps.Copy(p.Packs, e.SummaryEvent.PolicyPacks)
	}
	return nil
}

// plain removes the engine's colours from a message.
func plain(text string) string { return strings.TrimSpace(colors.Never.Colorize(text)) }

func (r *reader) plan(m apitype.StepEventMetadata) error {
	op, known := ops[m.Op]
	if !known {
		return fmt.Errorf("operation %q of %s is not known; another Pulumi than %s has written it (`make tools` gets that one)", m.Op, m.URN, pulumiVersion)
	}
	switch {
	case m.Op == apitype.OpRefresh:
		r.refreshed[m.URN] = true
	case m.Op == apitype.OpDeleteReplaced:
		r.leftovers = append(r.leftovers, newStep(OpDelete, m))
	case op != "":
		r.planned = true
		r.put(newStep(op, m))
	}
	return nil
}

// complete handles the event at the end of a step. Only this event has the result of a refresh, and the outputs of a component
// and of the stack.
func (r *reader) complete(m apitype.StepEventMetadata) error {
	op, known := ops[m.Op]
	if !known {
		return fmt.Errorf("operation %q of %s is not known; another Pulumi than %s has written it", m.Op, m.URN, pulumiVersion)
	}
	if m.Type == resource.Stack {
		r.outputs(m)
	}
	if _, seen := r.steps[m.URN]; r.refreshed[m.URN] && !seen && op != "" {
		step := newStep(op, m)
		step.Drift = op != OpSame
		r.put(step)
	}
	return nil
}

// put adds a step, or replaces the earlier step of the same resource.
func (r *reader) put(s Step) {
	if i, seen := r.steps[s.URN]; seen && s.Op != OpDelete {
		r.preview.Steps[i] = s
		return
	}
	r.steps[s.URN] = len(r.preview.Steps)
	r.preview.Steps = append(r.preview.Steps, s)
}

func (r *reader) outputs(m apitype.StepEventMetadata) {
	var before, after map[string]any
	if m.Old != nil {
		before = properties(m.Type, m.Old.Outputs)
	}
	if m.New != nil {
		after = properties(m.Type, m.New.Outputs)
	}
	r.preview.Outputs = nil
	names := slices.Sorted(maps.Keys(before))
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(names, slices.Sorted(maps.Keys(after))...)))) {
		old, had := before[name]
		now, has := after[name]
		c := Change{Path: name, Kind: Changed, Old: old, New: now}
		switch {
		case !had:
			c.Kind = Added
		case !has:
			c.Kind = Removed
		case reflect.DeepEqual(old, now):
			continue
		}
		r.preview.Outputs = append(r.preview.Outputs, c)
	}
}

// finish adds the deletions that an interrupted replacement left, and sets the names of the stack and the project.
func (r *reader) finish() (*Preview, error) {
	for _, s := range r.leftovers {
		if i, seen := r.steps[s.URN]; !seen || r.preview.Steps[i].Op != OpReplace {
			r.preview.Steps = append(r.preview.Steps, s)
		}
	}
	if len(r.preview.Mandatory()) > 0 {
		r.preview.Errors = slices.DeleteFunc(r.preview.Errors, func(m Message) bool { return m.Text == violationError })
	}
	r.preview.Drift = len(r.refreshed) > 0 && !r.planned
	for _, s := range r.preview.Steps {
		// urn:pulumi:<stack>::<project>::<types>::<name>
		if parts := strings.Split(strings.TrimPrefix(s.URN, "urn:pulumi:"), "::"); len(parts) >= 4 {
			r.preview.Stack, r.preview.Project = parts[0], parts[1]
			break
		}
	}
	return r.preview, nil
}

// WriteFailure writes an error and the end of the log as the engine's events, for a failure outside the engine, such as a
// missing plugin. Alone, these events are the log of a failed preview.
func WriteFailure(w io.Writer, text string) error {
	out := json.NewEncoder(w)
	now := int(time.Now().Unix())
	for _, e := range []apitype.EngineEvent{
		{Timestamp: now, DiagnosticEvent: &apitype.DiagnosticEvent{Message: text, Severity: "error"}},
		{Timestamp: now, CancelEvent: &apitype.CancelEvent{}},
	} {
		if err := out.Encode(e); err != nil {
			return fmt.Errorf("writing the failure to the log of the preview: %w", err)
		}
	}
	return nil
}
