package examples

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tfserving/embedded/images"
)

func TestEveryPackageIsPinnedByVersionAndChecksum(t *testing.T) {
	pinned := regexp.MustCompile(`^[a-z0-9-]+==\S+( ; [^\\]+)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+$`)
	for _, name := range []string{Gateway, Model} {
		data, err := sources.ReadFile(name + "/requirements.txt")
		if err != nil {
			t.Fatal(err)
		}
		entries := regexp.MustCompile(`(?m)^[a-z].*\n(    .*\n)*`).FindAllString(string(data), -1)
		if len(entries) < 10 {
			t.Errorf("%s has %d packages", name, len(entries))
		}
		for _, entry := range entries {
			if !pinned.MatchString(entry) {
				t.Errorf("%s: not pinned: %.60q", name, entry)
			}
		}
	}
}

// machinePython returns the machine's Python, or skips the test where there is none that can be in an image.
func machinePython(t *testing.T) *python {
	t.Helper()
	p, err := describePython(context.Background())
	if err != nil {
		t.Skipf("NOT TESTED: no image with this machine's Python can be made: %v", err)
	}
	return p
}

func TestPythonInAnImageRunsAloneAndHasTheSameBytesTwice(t *testing.T) {
	p := machinePython(t)
	var digests []string
	for range 2 {
		root := t.TempDir()
		if err := p.copyTo(root); err != nil {
			t.Fatal(err)
		}
		if err := checkLibraries(root); err != nil {
			t.Error(err)
		}
		layer, err := images.Layer(root)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := layer.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
		cmd := exec.Command(filepath.Join(root, pythonCommand), "-c", "import ssl, sqlite3, sys; print(ssl.__file__)")
		for _, variable := range pythonEnvironment {
			cmd.Env = append(cmd.Env, strings.Replace(variable, "=/opt", "="+root+"/opt", 1))
		}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), root) {
			t.Errorf("Python of the image says %s (%v), want a file below %s", out, err, root)
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("the layers of the same Python are %s", digests)
	}
}

// server runs code after the stand-in's module is loaded. That needs no TensorFlow.
func server(t *testing.T, code string, args ...string) (string, error) {
	t.Helper()
	p := machinePython(t)
	out, err := exec.Command(p.Executable, append([]string{"-c", "import sys; sys.path.insert(0, 'model'); import server; " + code}, args...)...).CombinedOutput()
	return string(out), err
}

func TestTheStandInTakesTheFlagsOfTheModelServerAndRefusesOthers(t *testing.T) {
	flags := []string{"--port=8500", "--rest_api_port=8501", "--grpc_channel_arguments=grpc.max_connection_age_ms=60000",
		"--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=1", "--enable_batching=true", "--batching_parameters_file=/etc/tf-serving/batching.config"}
	out, err := server(t, "f = server.flags(sys.argv[1:]); print(f.grpc_channel_arguments, f.enable_batching)", flags...)
	if want := "[('grpc.max_connection_age_ms', 60000)] True\n"; err != nil || out != want {
		t.Errorf("the flags are %s (%v), want %s", out, err, want)
	}
	if out, err := server(t, "server.flags(sys.argv[1:])", "--max_connection_age=1"); err == nil {
		t.Errorf("an unknown flag was accepted: %s", out)
	}
}

func TestTheStandInReadsBatchingParametersAndRefusesWrongOnes(t *testing.T) {
	const good = "max_batch_size { value: 32 }\nbatch_timeout_micros { value: 0 }\nmax_enqueued_batches { value: 100 }\nnum_batch_threads { value: 2 }\n"
	for text, says := range map[string]string{
		good:                                "{'max_batch_size': 32, 'batch_timeout_micros': 0, 'max_enqueued_batches': 100, 'num_batch_threads': 2}",
		strings.Replace(good, "32", "0", 1): "max_batch_size with value 0",
		strings.Replace(good, "max_enqueued", "max_queued", 1): "max_queued_batches with value 100",
		strings.Replace(good, "{ value", "{ valu", 1):          "cannot parse",
	} {
		file := filepath.Join(t.TempDir(), "batching.config")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := server(t, "print(server.batching_parameters(sys.argv[1]))", file)
		if (err == nil) != (text == good) || !strings.Contains(out, says) {
			t.Errorf("of %q the server says %s (%v), want %q", text, out, err, says)
		}
	}
}
