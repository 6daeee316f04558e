package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"tfserving/embedded/child"
)

// daemon is a command that runs beside the control plane until the cluster ends.
type daemon struct {
	name    string // of the command, and of its .pid and .log files in the cluster's folder
	args    []string
	env     []string // in addition
	health  string   // URL that answers with status 200 once it works
	timeout time.Duration
}

// startDaemon starts a command and waits until it answers. One of its arguments must contain the cluster's folder: processIn
// recognises the process by that.
func (c *Cluster) startDaemon(ctx context.Context, d daemon) error {
	log, err := os.Create(c.file(d.name + ".log"))
	if err != nil {
		return fmt.Errorf("making the log of %s: %w", d.name, err)
	}
	defer log.Close()
	cmd := c.command(context.WithoutCancel(ctx), d.name, d.args...)
	cmd.Env = append(cmd.Env, d.env...)
	cmd.Stdout, cmd.Stderr = log, log
	// In a session of its own, the process does not get Ctrl-C from the terminal: that ends `make`, not the cluster.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	p, err := child.Start(cmd)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.file(d.name+".pid"), []byte(strconv.Itoa(p.PID())), 0o644); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("recording the process of %s: %w", d.name, err)
	}
	if err := p.AwaitHealthy(ctx, http.DefaultClient, d.health, d.timeout); err != nil {
		return fmt.Errorf("starting %s: %w; its log is %s", d.name, err, c.file(d.name+".log"))
	}
	return nil
}

// stopDaemon kills a command that startDaemon started, if it runs.
func (c *Cluster) stopDaemon(name string) {
	file := c.file(name + ".pid")
	if p := c.processIn(file); p != nil {
		p.kill()
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		c.logf("removing the process file of %s: %v", name, err)
	}
}
