package examples

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// builder builds images with the machine's Python.
type builder struct {
	python     *python
	say        func(string)
	prediction []float64 // of the model for Picture, once it is made
}

func newBuilder(ctx context.Context, say func(string)) (*builder, error) {
	p, err := describePython(ctx)
	return &builder{python: p, say: say}, err
}

// progressEvery is the time between two messages of a long step.
const progressEvery = 15 * time.Second

// step runs a part of a build, and says what it is, how long it takes so far, and how long it took.
func (b *builder) step(name string, run func() error) error {
	b.say(name)
	start := time.Now()
	ticks := time.NewTicker(progressEvery)
	defer ticks.Stop()
	done := make(chan error, 1)
	go func() { done <- run() }()
	for {
		select {
		case err := <-done:
			if took := time.Since(start); err == nil && took >= progressEvery {
				b.say(fmt.Sprintf("%s: done in %s", name, took.Round(time.Second)))
			}
			return err
		case <-ticks.C:
			b.say(fmt.Sprintf("%s, %s so far", name, time.Since(start).Round(time.Second)))
		}
	}
}

// run runs Python with arguments and more environment variables. An error contains the end of its output.
func (b *builder) run(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, b.python.Executable, args...)
	// Sets in compiled files are ordered by hash, which is random without the first.
	cmd.Env = append(append(os.Environ(), "PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1"), env...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		const lines = 10
		all := strings.Split(strings.TrimSpace(out.String()+problems.String()), "\n")
		return "", fmt.Errorf("python3 %s: %w\n%s", strings.Join(args, " "), err, strings.Join(all[max(0, len(all)-lines):], "\n"))
	}
	return out.String(), nil
}

// install installs the packages of an image into a folder. requirements.txt pins the version and the checksum of each, so pip
// accepts no other file. What only the build of other programs needs is removed, and what differs between two installations.
func (b *builder) install(ctx context.Context, name, folder string) error {
	work, err := os.MkdirTemp("", "tfserving-pip-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := writeSource(work, name+"/requirements.txt"); err != nil {
		return err
	}
	with := *b
	if !b.python.Pip {
		// Debian splits pip from Python. An environment of its own brings one.
		if _, err := b.run(ctx, nil, "-m", "venv", filepath.Join(work, "venv")); err != nil {
			return fmt.Errorf("%w\nthis Python has no pip: install python3-pip or python3-venv", err)
		}
		inVenv := *b.python
		inVenv.Executable = filepath.Join(work, "venv", "bin", "python3")
		with.python = &inVenv
	}
	if _, err := with.run(ctx, []string{"PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_ROOT_USER_ACTION=ignore"},
		"-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile",
		"--target", folder, "--requirement", filepath.Join(work, "requirements.txt")); err != nil {
		return err
	}
	// Scripts name the Python that installed them, and RECORD has their checksums. TensorFlow's include is for C++ programs.
	for _, pattern := range []string{"bin", "*.dist-info/RECORD", "tensorflow/include"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// compile compiles the Python files of an image, which could not store the results itself. The compiled files depend neither
// on times nor on the folder of the build.
func (b *builder) compile(ctx context.Context, root string) error {
	// Some packages contain templates that are no Python, so compileall's exit code says nothing.
	_, err := b.run(ctx, nil, "-c", "import compileall, py_compile, sys\n"+
		"compileall.compile_dir(sys.argv[1], quiet=2, stripdir=sys.argv[1], prependdir='/', force=True, "+
		"invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, workers=1)", root)
	return err
}

// makeModel writes the example's model into a folder, and keeps its prediction for Picture.
func (b *builder) makeModel(ctx context.Context, packages, folder string) error {
	work, err := os.MkdirTemp("", "tfserving-model-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	for _, name := range []string{"model/make_model.py", "picture.png"} {
		if err := writeSource(work, name); err != nil {
			return err
		}
	}
	// -S hides the machine's own packages, which the image lacks.
	out, err := b.run(ctx, []string{"PYTHONPATH=" + packages, "TF_CPP_MIN_LOG_LEVEL=2"},
		"-S", filepath.Join(work, "make_model.py"), folder, filepath.Join(work, "picture.png"))
	if err != nil {
		return err
	}
	var scores []float64
	if err := json.Unmarshal([]byte(out), &scores); err != nil {
		return fmt.Errorf("reading the prediction of the new model: %w", err)
	}
	b.prediction = scores
	return nil
}
