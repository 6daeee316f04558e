// Package child starts processes on this machine, waits until they answer, and ends them.
package child

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// pollInterval is the time between two health checks of a process that starts.
const pollInterval = 100 * time.Millisecond

// ErrEnded means that a process ended before it was healthy.
var ErrEnded = errors.New("the process ended")

// Process is a process that this one started.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed once the process has ended
	err   error         // how it ended; set before ended is closed
}

// Start starts a command.
func Start(cmd *exec.Cmd) (*Process, error) {
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// PID returns the process' identifier.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Running says whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// ExitError says how the process ended: nil for exit status 0. It waits for the end.
func (p *Process) ExitError() error {
	<-p.ended
	return p.err
}

// AwaitHealthy waits until a GET of a URL answers with status 200. It returns an error that wraps ErrEnded if the process
// ends, and another if timeout passes or ctx ends.
func (p *Process) AwaitHealthy(ctx context.Context, client *http.Client, url string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for !Healthy(ctx, client, url) {
		select {
		case <-p.ended:
			return fmt.Errorf("%w (%v)", ErrEnded, p.err)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", ctx.Err())
		case <-time.After(pollInterval):
		}
	}
	return nil
}

// Stop sends SIGTERM and waits. A process that still runs after grace gets SIGKILL. If the process leads a process group of
// its own (Setpgid), the signals go to the whole group, and no process of the group is left.
func (p *Process) Stop(grace time.Duration) error {
	if p.Running() {
		if err := p.signal(syscall.SIGTERM); err != nil {
			return fmt.Errorf("ending process %d: %w", p.PID(), err)
		}
		select {
		case <-p.ended:
		case <-time.After(grace):
			if err := p.signal(syscall.SIGKILL); err != nil {
				return fmt.Errorf("killing process %d: %w", p.PID(), err)
			}
			<-p.ended
		}
	}
	if p.leadsGroup() {
		_ = p.signal(syscall.SIGKILL) // the rest of the group, if any
	}
	return nil
}

func (p *Process) leadsGroup() bool { return p.cmd.SysProcAttr != nil && p.cmd.SysProcAttr.Setpgid }

// signal sends a signal to the process or its group. A process that has ended is no error.
func (p *Process) signal(s syscall.Signal) (err error) {
	if p.leadsGroup() {
		err = syscall.Kill(-p.PID(), s)
	} else {
		err = p.cmd.Process.Signal(s)
	}
	if errors.Is(err, syscall.ESRCH) || errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Healthy says whether a GET of a URL answers with status 200.
func Healthy(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// FreeAddress returns an address on loopback, host:port, whose port is free at the moment.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
