package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tfserving/config"
)

// env is what pulumi needs in the environment, beyond what the person has.
func (s *stack) env() []string {
	path := []string{s.bin()}
	// Platform eks takes more plugins than are pinned here, and of the Kubernetes plugin the versions that pulumi-eks and
	// the program each want: Pulumi fetches them all. Where it must not, what is here is all there is.
	fetched := s.settings.Platform == config.PlatformEKS && os.Getenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION") == ""
	if !s.embedded() && !fetched {
		// Beside the person's own plugins. Where Pulumi's server cannot be reached, it is the only one there is.
		plugins, _ := filepath.Glob(filepath.Join(s.bin(), "plugins", "*"))
		path = append(path, plugins...)
	}
	env := []string{
		"PATH=" + strings.Join(append(path, os.Getenv("PATH")), string(os.PathListSeparator)),
		// The flag --policy-pack of every preview and up.
		"PULUMI_OPTION_POLICY_PACK=" + s.policyPack(),
	}
	if s.tmp != "" {
		env = append(env, "TMPDIR="+s.tmp)
	}
	if s.embedded() {
		env = append(env, s.localEnv()...)
	}
	return env
}

// localEnv is what sets stack local apart: its state, its cluster, and the pinned plugin alone.
func (s *stack) localEnv() []string {
	return []string{
		"PULUMI_BACKEND_URL=" + s.localBackend(),
		"PULUMI_HOME=" + s.pulumiHome(),
		"PULUMI_CONFIG_PASSPHRASE=" + localPassphrase,
		"PULUMI_SKIP_UPDATE_CHECK=true",
		// The pinned plugin is where Pulumi keeps its own; one on PATH is warned about, and is not wanted.
		"PULUMI_IGNORE_AMBIENT_PLUGINS=true",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
		"KUBECONFIG=" + filepath.Join(s.root, localKubeconfig),
		"KUBECACHEDIR=" + filepath.Join(s.clusterDir(), "kubectl-cache"),
	}
}

func (s *stack) localBackend() string { return "file://" + s.stateDir() }

// inLocalsShell tells whether this runs where `make env` of stack local was evaluated, and is about another stack.
func (s *stack) inLocalsShell() bool {
	return !s.embedded() && os.Getenv("PULUMI_BACKEND_URL") == s.localBackend()
}

// ownShell refuses to make another stack in the state of stack local, which `make down` deletes.
func (s *stack) ownShell() error {
	if !s.inLocalsShell() {
		return nil
	}
	return fmt.Errorf("this shell is set up for stack %s (PULUMI_BACKEND_URL), and the state of stack %s would go with its cluster: use another shell, or eval \"$(make env STACK=%[2]s)\" here; nothing has been changed", localStack, s.name)
}

// temporary gives the commands a folder for their temporary files, which the function that it returns removes: Pulumi's
// Kubernetes plugin leaves a copy of the kubeconfig, with its credentials, for every run. What a killed run left goes, too.
func (s *stack) temporary() (forget func(), err error) {
	s.tmp = filepath.Join(s.dir, "tmp")
	if err = os.RemoveAll(s.tmp); err == nil {
		err = os.Mkdir(s.tmp, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("making a folder for temporary files: %w", err)
	}
	return func() {
		if err := os.RemoveAll(s.tmp); err != nil {
			fmt.Fprintf(os.Stderr, "removing temporary files, credentials among them: %v\n", err)
		}
	}, nil
}

// printEnv prints what to export, and compiles the policies, which plain pulumi then runs, too.
func (s *stack) printEnv(ctx context.Context) error {
	if err := s.compilePolicies(ctx); err != nil {
		return err
	}
	fmt.Print(s.exports())
	return nil
}

// exports are lines for a shell. One that is set up for stack local is first as it would be without.
func (s *stack) exports() string {
	var lines strings.Builder
	if s.inLocalsShell() {
		lines.WriteString("unset")
		for _, v := range s.localEnv() {
			name, _, _ := strings.Cut(v, "=")
			os.Unsetenv(name) // env looks at some of them
			lines.WriteString(" " + name)
		}
		lines.WriteString("\n")
	}
	for _, v := range s.env() {
		name, value, _ := strings.Cut(v, "=")
		fmt.Fprintf(&lines, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	return lines.String()
}

// lookPath finds a command where those that are started here find it.
func (s *stack) lookPath(name string) (string, error) {
	if path, err := exec.LookPath(filepath.Join(s.bin(), name)); err == nil {
		return path, nil
	}
	return exec.LookPath(name)
}

// command prepares a command of the checkout. Ctrl-C reaches it by itself, being in the same process group, and a second
// one would make pulumi end without writing down how far it got; only SIGTERM, which comes to this process alone, is
// passed on.
func (s *stack) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if tool := filepath.Join(s.bin(), name); name == "pulumi" {
		name = tool
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = s.root
	cmd.Env = append(os.Environ(), s.env()...)
	cmd.Cancel = func() error {
		if errors.Is(context.Cause(ctx), errTerminated) {
			return cmd.Process.Signal(os.Interrupt)
		}
		return nil
	}
	return cmd
}

// run runs a command with its output shown.
func (s *stack) run(ctx context.Context, name string, args ...string) error {
	cmd := s.command(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w (see above)", filepath.Base(name), strings.Join(args, " "), err)
	}
	return nil
}

func (s *stack) pulumi(ctx context.Context, args ...string) error {
	return s.run(ctx, "pulumi", args...)
}
