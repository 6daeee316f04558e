package child

import (
	"errors"
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const (
	grace = 200 * time.Millisecond
	soon  = 5 * time.Second
)

func TestStopKillsAProcessThatIgnoresSIGTERMWithItsGroup(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "trap '' TERM; sleep 60 & sleep 60; sleep 60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Running() {
		t.Error("a started process does not run")
	}
	if err := p.Stop(grace); err != nil || p.Running() {
		t.Errorf("after Stop it runs: %v (%v)", p.Running(), err)
	}
	for deadline := time.Now().Add(soon); !errors.Is(syscall.Kill(-p.PID(), 0), syscall.ESRCH); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a process of its group is left")
		}
	}
	if err := p.Stop(grace); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
}

func TestAProcessThatEndsIsNotHealthy(t *testing.T) {
	address, err := FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(exec.Command("/bin/sh", "-c", "exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AwaitHealthy(t.Context(), http.DefaultClient, "http://"+address, soon); !errors.Is(err, ErrEnded) || p.ExitError() == nil {
		t.Errorf("waiting for its health gives %v, its end %v", err, p.ExitError())
	}
}

func TestStopEndsAProcess(t *testing.T) {
	p, err := Start(exec.Command("/bin/sh", "-c", "exec sleep 60"))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Running() {
		t.Error("a started process does not run")
	}
	begin := time.Now()
	if err := p.Stop(soon); err != nil || p.Running() || time.Since(begin) >= soon {
		t.Errorf("after Stop (%v) it runs: %v", err, p.Running())
	}
	if err := p.Stop(soon); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
}
