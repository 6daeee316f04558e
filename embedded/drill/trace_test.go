package drill

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDemandIsOnTheLineBetweenTwoPointsAndAStepCountsAtOnce(t *testing.T) {
	trace, err := parse("t.csv", strings.NewReader("# a comment\nseconds,cores\n0,1\n10,3\n10,8\n20,8\n"))
	if err != nil {
		t.Fatal(err)
	}
	for seconds, want := range map[float64]float64{0: 1, 5: 2, 9.5: 2.9, 10: 8, 15: 8, 20: 0, 100: 0} {
		if got := trace.At(seconds); got != want {
			t.Errorf("at %g s the demand is %g cores, want %g", seconds, got, want)
		}
	}
	if at, cores := trace.Peak(); at != 10 || cores != 8 || trace.Length() != 20*time.Second || trace.Name != "t" {
		t.Errorf("trace %s has its peak of %g cores at %g s and lasts %s", trace.Name, cores, at, trace.Length())
	}
}

func TestAWrongTraceIsAnErrorThatNamesItsLine(t *testing.T) {
	const header = "seconds,cores\n"
	for name, test := range map[string]struct{ text, problem string }{
		"empty":                  {"", "has no demand that lasts"},
		"no header":              {"0,1\n1,1\n", "line 1: its first line must be seconds,cores"},
		"no demand":              {header + "0,0\n9,0\n", "has no demand that lasts"},
		"one point":              {header + "0,1\n", "has no demand that lasts"},
		"a late beginning":       {header + "1,1\n2,1\n", "line 2: the first point is at 1 s"},
		"seconds that decrease":  {header + "0,1\n5,1\n4,1\n", "line 4: 4 s comes after 5 s"},
		"three points at once":   {header + "0,1\n5,1\n5,2\n5,3\n", "line 5: 5 s is there three times"},
		"text":                   {header + "0,many\n", `line 2: "many" must be a number of cores from 0 to 1000`},
		"not a number":           {header + "0,NaN\n", `"NaN" must be a number of cores`},
		"less than nothing":      {header + "0,-1\n", `"-1" must be a number of cores`},
		"more than make load":    {header + "0,1001\n", `"1001" must be a number of cores from 0 to 1000`},
		"a trace that is a day":  {header + "0,1\n86400,1\n", `"86400" must be a number of seconds from 0 to 900`},
		"a third column":         {header + "0,1,2\n", `"0,1,2" has 3 columns`},
		"a quote without an end": {header + "0,\"1\n", "reading trace"},
	} {
		if _, err := parse("t.csv", strings.NewReader(test.text)); err == nil || !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: error is %v, want one that says %q", name, err, test.problem)
		}
	}
}

func TestEveryBuiltInTraceIsFoundByItsName(t *testing.T) {
	if names := Names(); !slices.Equal(names, []string{"day", "ramp", "spike", "wave"}) {
		t.Errorf("the traces are %v", names)
	}
	for _, name := range Names() {
		trace, err := Find(name)
		if err != nil || trace.Name != name || trace.Length() > 4*time.Minute+10*time.Second {
			t.Errorf("trace %s is %+v (%v), want about 4 minutes at most", name, trace, err)
		}
	}
}

func TestATraceIsReadFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.csv")
	if err := os.WriteFile(file, []byte("seconds,cores\n0,1\n9,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if trace, err := Find(file); err != nil || trace.Name != "mine" || len(trace.Points) != 2 {
		t.Errorf("the trace is %+v (%v)", trace, err)
	}
	if _, err := Find("nosuch"); err == nil || !strings.Contains(err.Error(), "day, ramp, spike, wave, or a CSV file") {
		t.Errorf("error is %v, want one that names the traces", err)
	}
}
