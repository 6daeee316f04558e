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
)

// writtenBy is the version of Pulumi whose events this package knows. The log itself does not say who wrote it.
const writtenBy = "v3.230.0"

const rootType = "pulumi:pulumi:Stack"

// refusal is how the engine ends a preview that broke a mandatory policy. It has planned to the end all the same: in a
// preview a violation is noted and the next resource looked at (sdk and engine v3.230.0, step_generator.go).
const refusal = "preview failed"

// ReadFile reads a recorded log; one that is compressed with gzip is read, too.
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

// Read reads a log to its end. It is an error if the log is empty, cut off, no log of the engine's, or if there is
// anything in it that this package does not know: what is not understood would be missing in silence.
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
	collected := &reader{preview: &Preview{Packs: map[string]string{}}, steps: map[string]int{}, refreshed: map[string]bool{}}
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
			return nil, fmt.Errorf("line %d: %w", number, explained(data, err))
		}
		if err := collected.add(event); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		ended = event.CancelEvent != nil
	}
	if !ended {
		return nil, fmt.Errorf("it is cut off after line %d: the engine's last event is missing. The preview was killed, or is still under way", number)
	}
	return collected.finished()
}

// decode reads one event, and refuses fields and kinds that are not known.
func decode(line []byte) (*apitype.EngineEvent, error) {
	var event apitype.EngineEvent
	in := json.NewDecoder(bytes.NewReader(line))
	in.DisallowUnknownFields()
	if err := in.Decode(&event); err != nil {
		if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
			if !like(line) {
				return nil, fmt.Errorf("no event of Pulumi's engine: it has none of an event's fields, but %s", field)
			}
			return nil, fmt.Errorf("field %s is not known; another Pulumi than %s has written it (`make tools` gets that one)", field, writtenBy)
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

// like says whether an object has at least one field of the engine's events.
func like(line []byte) bool {
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

// explained says what a file is that is not a log, where that can be told.
func explained(data []byte, err error) error {
	var digest struct{ Steps, ChangeSummary json.RawMessage }
	if json.Unmarshal(data, &digest) == nil && (digest.Steps != nil || digest.ChangeSummary != nil) {
		return errors.New("this is the document of `pulumi preview --json`, which leaves out policy violations and what stays: record with --event-log instead (`make report` does)")
	}
	return err
}

// reader gathers events.
type reader struct {
	preview   *Preview
	steps     map[string]int  // index in preview.Steps by URN
	refreshed map[string]bool // URNs that a refresh looks at
	leftovers []Step          // deletions that may be a part of a replacement
	// programmed is set once the program, or the lack of it, has asked for something.
	programmed bool
}

func (r *reader) add(e *apitype.EngineEvent) error {
	p := r.preview
	switch {
	case e.ResourcePreEvent != nil:
		return r.planned(e.ResourcePreEvent.Metadata)
	case e.ResOutputsEvent != nil:
		return r.ended(e.ResOutputsEvent.Metadata)
	case e.ResOpFailedEvent != nil:
		m := e.ResOpFailedEvent.Metadata
		p.Errors = append(p.Errors, Message{URN: m.URN, Text: string(m.Op) + " failed"})
	case e.DiagnosticEvent != nil:
		d := e.DiagnosticEvent
		// What the program prints comes as info; on its error stream as info#err.
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
		case apitype.Mandatory, apitype.Advisory, "warning": // the engine says advisory, its documentation warning
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

// plain is a message without the engine's colours.
func plain(text string) string { return strings.TrimSpace(colors.Never.Colorize(text)) }

func (r *reader) planned(m apitype.StepEventMetadata) error {
	op, known := ops[m.Op]
	if !known {
		return fmt.Errorf("operation %q of %s is not known; another Pulumi than %s has written it (`make tools` gets that one)", m.Op, m.URN, writtenBy)
	}
	switch {
	case m.Op == apitype.OpRefresh:
		r.refreshed[m.URN] = true
	case m.Op == apitype.OpDeleteReplaced:
		r.leftovers = append(r.leftovers, newStep(OpDelete, m))
	case op != "":
		r.programmed = true
		r.put(newStep(op, m))
	}
	return nil
}

// ended is told what came of a step. A refresh says only here what it has found; a component's and the stack's own outputs
// are known only here.
func (r *reader) ended(m apitype.StepEventMetadata) error {
	op, known := ops[m.Op]
	if !known {
		return fmt.Errorf("operation %q of %s is not known; another Pulumi than %s has written it", m.Op, m.URN, writtenBy)
	}
	if m.Type == rootType {
		r.outputs(m)
	}
	if _, seen := r.steps[m.URN]; r.refreshed[m.URN] && !seen && op != "" {
		step := newStep(op, m)
		step.Drift = op != OpSame
		r.put(step)
	}
	return nil
}

// put keeps the latest word on a resource.
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

// finished tells what an earlier, interrupted replacement has left behind, and names the stack.
func (r *reader) finished() (*Preview, error) {
	for _, s := range r.leftovers {
		if i, seen := r.steps[s.URN]; !seen || r.preview.Steps[i].Op != OpReplace {
			r.preview.Steps = append(r.preview.Steps, s)
		}
	}
	if len(r.preview.Mandatory()) > 0 {
		r.preview.Errors = slices.DeleteFunc(r.preview.Errors, func(m Message) bool { return m.Text == refusal })
	}
	r.preview.Drift = len(r.refreshed) > 0 && !r.programmed
	for _, s := range r.preview.Steps {
		// urn:pulumi:<stack>::<project>::<types>::<name>
		if parts := strings.Split(strings.TrimPrefix(s.URN, "urn:pulumi:"), "::"); len(parts) >= 4 {
			r.preview.Stack, r.preview.Project = parts[0], parts[1]
			break
		}
	}
	return r.preview, nil
}

// WriteFailure writes an error in the form of the engine's events, and their end, for a failure of which the engine knows
// nothing, such as of a plugin that is missing. What has no more than this is a record of a failed preview.
func WriteFailure(w io.Writer, text string) error {
	out := json.NewEncoder(w)
	now := int(time.Now().Unix())
	for _, e := range []apitype.EngineEvent{
		{Timestamp: now, DiagnosticEvent: &apitype.DiagnosticEvent{Message: text, Severity: "error"}},
		{Timestamp: now, CancelEvent: &apitype.CancelEvent{}},
	} {
		if err := out.Encode(e); err != nil {
			return fmt.Errorf("writing down a failure: %w", err)
		}
	}
	return nil
}
