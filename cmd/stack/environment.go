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

// env are the variables that pulumi needs in addition to the person's environment.
func (s *pulumiStack) env() []string {
	path := []string{s.bin()}
	// Platform eks needs plugins that are not pinned here, and two versions of the Kubernetes plugin: the program's and
	// pulumi-eks'. Pulumi downloads them all, unless that is disabled.
	downloads := s.settings.Platform == config.PlatformEKS && os.Getenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION") == ""
	if !s.embedded() && !downloads {
		// Pulumi finds the pinned plugins on PATH, beside the person's own. It needs them where it cannot download any.
		plugins, _ := filepath.Glob(filepath.Join(s.bin(), "plugins", "*"))
		path = append(path, plugins...)
	}
	env := []string{
		"PATH=" + strings.Join(append(path, os.Getenv("PATH")), string(os.PathListSeparator)),
		// Every preview and up then has the flag --policy-pack.
		"PULUMI_OPTION_POLICY_PACK=" + s.policyPack(),
		// With other flags than make's, pulumi would compile the SDKs again.
		"GOFLAGS=" + os.Getenv("GOFLAGS"),
	}
	if s.tmp != "" {
		env = append(env, "TMPDIR="+s.tmp)
	}
	if s.embedded() {
		env = append(env, s.localEnv()...)
	}
	return env
}

// localEnv are the variables of a stack with an embedded cluster: its state, its cluster, and the pinned plugin as the only one.
func (s *pulumiStack) localEnv() []string {
	return []string{
		"PULUMI_BACKEND_URL=" + s.localBackend(),
		"PULUMI_HOME=" + s.pulumiHome(),
		"PULUMI_CONFIG_PASSPHRASE=" + localPassphrase,
		"PULUMI_SKIP_UPDATE_CHECK=true",
		// The pinned plugin is linked into PULUMI_HOME. Pulumi would prefer another one on PATH, with a warning.
		"PULUMI_IGNORE_AMBIENT_PLUGINS=true",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
		"KUBECONFIG=" + filepath.Join(s.root, s.kubeconfig()),
		"KUBECACHEDIR=" + filepath.Join(s.clusterDir(), "kubectl-cache"),
	}
}

// shellStack is the stack with an embedded cluster for which the shell is set up (`make env`). It is empty if there is none.
func (s *pulumiStack) shellStack() string {
	state, ok := strings.CutPrefix(os.Getenv("PULUMI_BACKEND_URL"), "file://"+s.dir+string(filepath.Separator))
	if !ok {
		return ""
	}
	if state == clusterState {
		return localStack
	}
	name, ok := strings.CutSuffix(state, string(filepath.Separator)+clusterState)
	if !ok { // a state of the person's own in the same folder
		return ""
	}
	return name
}

// inLocalShell says whether the shell has the variables of a stack with an embedded cluster and the stack is one without.
func (s *pulumiStack) inLocalShell() bool { return !s.embedded() && s.shellStack() != "" }

// refuseLocalShell refuses to write the state of a stack beside the state of one with an embedded cluster, which `make down`
// deletes.
func (s *pulumiStack) refuseLocalShell() error {
	if !s.inLocalShell() {
		return nil
	}
	return fmt.Errorf("this shell is set up for stack %s (PULUMI_BACKEND_URL), and `make down` of that stack would delete the state of stack %s: use another shell, or eval \"$(make env STACK=%[2]s)\" here; nothing has been changed", s.shellStack(), s.name)
}

// makeTempFolder makes a folder for the temporary files of commands. The function that it returns removes the folder, with
// the copy of the kubeconfig and its credentials that Pulumi's Kubernetes plugin leaves in each run. Files of a killed run
// are removed first.
func (s *pulumiStack) makeTempFolder() (remove func(), err error) {
	s.tmp = filepath.Join(s.dir, "tmp")
	if err = os.RemoveAll(s.tmp); err == nil {
		err = os.Mkdir(s.tmp, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("making a folder for temporary files: %w", err)
	}
	return func() {
		if err := os.RemoveAll(s.tmp); err != nil {
			fmt.Fprintf(os.Stderr, "removing temporary files, which hold credentials: %v\n", err)
		}
	}, nil
}

// printEnv prints lines for a shell and compiles the policies: with these variables, plain pulumi runs them, too.
func (s *pulumiStack) printEnv(ctx context.Context, _ []string) error {
	if err := s.compilePolicies(ctx); err != nil {
		return err
	}
	fmt.Print(s.exports())
	return nil
}

// exports are the lines that set a shell up for this stack. They remove the variables of a stack with an embedded cluster first.
func (s *pulumiStack) exports() string {
	var lines strings.Builder
	if s.inLocalShell() {
		lines.WriteString("unset")
		for _, v := range s.localEnv() {
			name, _, _ := strings.Cut(v, "=")
			os.Unsetenv(name) // env reads some of them
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

// lookPath finds a command among the pinned ones, then on PATH.
func (s *pulumiStack) lookPath(name string) (string, error) {
	if path, err := exec.LookPath(filepath.Join(s.bin(), name)); err == nil {
		return path, nil
	}
	return exec.LookPath(name)
}

// command prepares a command in the checkout's folder. The terminal sends Ctrl-C to the whole process group, so the command
// gets it without help. A second interrupt would end pulumi before it saves its state. SIGTERM reaches this process alone,
// so it is passed on, as an interrupt. A failed rollout interrupts the command, too.
func (s *pulumiStack) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if tool := filepath.Join(s.bin(), name); name == "pulumi" {
		name = tool
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = s.root
	cmd.Env = append(os.Environ(), s.env()...)
	cmd.Cancel = func() error {
		if cause := context.Cause(ctx); errors.Is(cause, errTerminated) || errors.Is(cause, errRolloutFailed) {
			return cmd.Process.Signal(os.Interrupt)
		}
		return nil
	}
	return cmd
}

// pulumi runs pulumi and shows its output.
func (s *pulumiStack) pulumi(ctx context.Context, args ...string) error {
	cmd := s.command(ctx, "pulumi", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("pulumi %s: %w (its output above says why)", strings.Join(args, " "), err)
	}
	return nil
}
