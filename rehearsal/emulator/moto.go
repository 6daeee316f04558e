package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// motoStartTime is how long moto may take to answer. It imports for 3 to 5 s on an idle machine.
	motoStartTime = 90 * time.Second
	motoEndTime   = 5 * time.Second
	// motoStarts is how often another port is tried: between its choice and moto's taking it, somebody else may have it.
	motoStarts = 3
	// callTimeout bounds one call on loopback, which takes milliseconds.
	callTimeout = 60 * time.Second
)

// moto is a running moto server.
type moto struct {
	url    string
	cmd    *exec.Cmd
	lease  io.WriteCloser // closed by us or, with this process, by the kernel
	ended  chan struct{}
	err    error
	client *http.Client
	// gate is held for reading by each call that is forwarded, and for writing while enforcement is off.
	gate sync.RWMutex
}

// watched replaces the shell by moto, and leaves behind a watcher that ends moto once standard input closes: so moto does
// not outlive the process that started it, however that one ends.
const watched = `exec 3<&0 </dev/null; { cat <&3 >/dev/null; kill "$$" 2>/dev/null; } & exec 3<&-; exec "$@"`

func startMoto(ctx context.Context, server, logPath string) (*moto, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, fmt.Errorf("making moto's log: %w", err)
	}
	defer log.Close()
	for try := 1; ; try++ {
		m, err := tryMoto(ctx, server, log)
		if err == nil {
			return m, nil
		}
		if try == motoStarts || !errors.Is(err, errMotoEnded) {
			return nil, fmt.Errorf("starting moto (%s): %w; see %s", server, err, logPath)
		}
	}
}

var errMotoEnded = errors.New("it ended by itself")

func tryMoto(ctx context.Context, server string, log *os.File) (*moto, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	m := &moto{
		url:   "http://127.0.0.1:" + port,
		ended: make(chan struct{}),
		// No proxy, and no compression: an answer's body is read and passed on as it is.
		client: &http.Client{Timeout: callTimeout, Transport: &http.Transport{DisableCompression: true}},
	}
	m.cmd = exec.Command("/bin/sh", "-c", watched, "sh", server, "-H", "127.0.0.1", "-p", port)
	m.cmd.Env = motoEnv(os.Environ())
	m.cmd.Stdout, m.cmd.Stderr = log, log
	// A group of its own: an interrupt at the terminal is for the test, which still needs moto to tidy up.
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if m.lease, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		m.err = m.cmd.Wait()
		close(m.ended)
	}()
	if err := m.waitReady(ctx); err != nil {
		return nil, errors.Join(err, m.stop())
	}
	return m, nil
}

// motoEnv leaves out settings of whoever runs this that would change moto, and asks for AWS's own managed policies.
func motoEnv(environ []string) []string {
	env := []string{"MOTO_IAM_LOAD_MANAGED_POLICIES=true"}
	for _, e := range environ {
		if !strings.HasPrefix(e, "MOTO_") && !strings.HasPrefix(e, "INITIAL_NO_AUTH_ACTION_COUNT=") {
			env = append(env, e)
		}
	}
	return env
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

func (m *moto) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, motoStartTime)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+"/moto-api/data.json", nil)
		if err != nil {
			return err
		}
		if answer, err := m.client.Do(request); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-m.ended:
			return fmt.Errorf("%w (%v)", errMotoEnded, m.err)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// enforce makes moto check signatures and permissions from now on.
func (m *moto) enforce(ctx context.Context) error { return m.unchecked(ctx, "0") }

// unchecked is how many calls moto lets through before it checks any.
func (m *moto) unchecked(ctx context.Context, calls string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url+"/moto-api/reset-auth", bytes.NewBufferString(calls))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "text/plain")
	answer, err := m.client.Do(request)
	if err != nil {
		return fmt.Errorf("setting moto's checks: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("setting moto's checks: it answers %s", answer.Status)
	}
	return nil
}

// withoutChecks does something that moto's own idea of trust cannot judge. Nothing else reaches moto meanwhile.
func (m *moto) withoutChecks(ctx context.Context, do func() error) error {
	m.gate.Lock()
	defer m.gate.Unlock()
	if err := m.unchecked(ctx, "inf"); err != nil {
		return err
	}
	failure := do()
	// Even if ctx has ended: unenforced permissions must not stay.
	return errors.Join(failure, m.unchecked(context.WithoutCancel(ctx), "0"))
}

// send sends a request to moto and reads the answer whole.
func (m *moto) send(request *http.Request) (*http.Response, []byte, error) {
	answer, err := m.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer, body, err
}

// stop ends moto and its watcher, which are a process group of their own.
func (m *moto) stop() error {
	defer m.lease.Close()
	group := -m.cmd.Process.Pid
	select {
	case <-m.ended:
		_ = syscall.Kill(group, syscall.SIGKILL) // only the watcher is left, if that
		return nil
	default:
	}
	_ = syscall.Kill(group, syscall.SIGTERM) // it may end at this very moment
	select {
	case <-m.ended:
		return nil
	case <-time.After(motoEndTime):
	}
	if err := syscall.Kill(group, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing moto (process %d): %w", m.cmd.Process.Pid, err)
	}
	<-m.ended
	return nil
}
