package examples

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Folders of an image, below its root.
const (
	pythonFolder    = "opt/python"
	librariesFolder = pythonFolder + "/libraries"
	packagesFolder  = "opt/packages"
	exampleFolder   = "opt/example"
)

const pythonCommand = "/" + pythonFolder + "/bin/python3"

// pythonEnvironment leads Python and the loader to the folders of an image. The root file system is read-only, so Python must
// write no compiled files.
var pythonEnvironment = []string{
	"PATH=/" + pythonFolder + "/bin",
	"PYTHONHOME=/" + pythonFolder,
	"PYTHONPATH=/" + packagesFolder,
	"LD_LIBRARY_PATH=/" + librariesFolder,
	"PYTHONUNBUFFERED=1",
	"PYTHONDONTWRITEBYTECODE=1",
	"HOME=/tmp",
	"LANG=C.UTF-8",
}

// python is the machine's Python, as python.py describes it. Images run the same one: any other would have to be downloaded
// from a place that not every machine reaches.
type python struct {
	Version    string   // such as 3.11
	Build      string   // the whole version, with the build's date
	Executable string   // absolute
	Folder     string   // lib or lib64
	Standard   string   // folder of the standard library
	Broken     []string // compiled modules that do not load here
	Libraries  []string // shared libraries of Python, its modules and PyPI's packages
	Pip        bool     // whether it has pip
}

// oldestMinor is the oldest Python 3 for which TensorFlow of requirements.txt is published (its page on PyPI).
const oldestMinor = 10

// describePython describes the Python on PATH.
func describePython(ctx context.Context) (*python, error) {
	const advice = "the example's images need Python 3.10 or newer, with pip, for Linux with the GNU C library: install it from your distribution (python3, python3-pip, python3-venv)"
	command, err := exec.LookPath("python3")
	if err != nil {
		return nil, errors.New("there is no python3 on PATH; " + advice)
	}
	source, err := sources.ReadFile("python.py")
	if err != nil {
		return nil, err
	}
	out, err := output(exec.CommandContext(ctx, command, "-I", "-c", string(source)))
	if err != nil {
		return nil, fmt.Errorf("%s does not describe itself: %w; %s", command, err, advice)
	}
	var p python
	if err := json.Unmarshal(out, &p); err != nil {
		return nil, fmt.Errorf("%s does not describe itself: %w; %s", command, err, advice)
	}
	major, minor, _ := strings.Cut(p.Version, ".")
	if n, err := strconv.Atoi(minor); err != nil || major != "3" || n < oldestMinor {
		return nil, fmt.Errorf("%s is Python %s; %s", command, p.Version, advice)
	}
	if !slices.ContainsFunc(p.Libraries, func(file string) bool { return filepath.Base(file) == "libc.so.6" }) {
		return nil, fmt.Errorf("%s does not use the GNU C library; %s", command, advice)
	}
	return &p, nil
}

// Check returns an error if this machine has no Python of which Build can make images.
func Check(ctx context.Context) error {
	_, err := describePython(ctx)
	return err
}

// output returns what a command prints. An error contains what it wrote to its standard error.
func output(cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return out, err
}

// unused are the parts of the standard library that a server never imports. Some are large, or need libraries of a desktop.
var unused = []string{"test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "site-packages", "dist-packages", "__pycache__", "sitecustomize.py"}

// copyTo copies Python, its standard library and the libraries below the root of an image.
func (p *python) copyTo(root string) error {
	loader, err := interpreter(p.Executable)
	if err != nil {
		return err
	}
	standard := filepath.Join(root, pythonFolder, p.Folder, "python"+p.Version)
	err = filepath.WalkDir(p.Standard, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		skip := slices.Contains(unused, name) || strings.HasPrefix(name, "config-") || strings.HasSuffix(name, ".a") ||
			slices.Contains(p.Broken, name) || strings.HasPrefix(name, "_tkinter.")
		switch {
		case skip && entry.IsDir():
			return fs.SkipDir
		case skip || entry.IsDir():
			return nil
		}
		relative, err := filepath.Rel(p.Standard, path)
		if err != nil {
			return err
		}
		err = copyFile(path, filepath.Join(standard, relative))
		if errors.Is(err, os.ErrNotExist) { // a link to a file of a package that is not installed
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	// The libraries that the compiled modules in the image need, by the name that they have there.
	for _, library := range p.Libraries {
		if desktop(library) {
			continue
		}
		name, err := libraryName(library)
		if err != nil {
			return err
		}
		if err := copyFile(library, filepath.Join(root, librariesFolder, name)); err != nil {
			return err
		}
	}
	if err := copyFile(loader, filepath.Join(root, loader)); err != nil {
		return err
	}
	if err := copyFile(p.Executable, filepath.Join(root, pythonCommand)); err != nil {
		return err
	}
	// The C library reads /etc/hosts, which Kubernetes writes, only if this file says so.
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "etc", "nsswitch.conf"), []byte("hosts: files dns\n"), 0o644); err != nil {
		return err
	}
	tmp := filepath.Join(root, "tmp")
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return err
	}
	return os.Chmod(tmp, 0o777|fs.ModeSticky)
}

// desktop returns whether a library is one of the window system, which only the module tkinter needs.
func desktop(library string) bool {
	name := filepath.Base(library)
	return slices.ContainsFunc([]string{"libX", "libxcb", "libtk", "libtcl", "libfontconfig", "libfreetype", "libpng", "libbrotli"},
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// copyFile copies a file, or the file to which a link leads. It makes the folder, and copies whether the file is executable.
func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		target.Close()
		return err
	}
	return target.Close()
}
