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
	"strings"
	"sync"
	"syscall"
	"time"

	"tfserving/embedded/child"
)

const (
	// motoStartTimeout bounds the start of moto, which takes 3 to 5 s on an idle machine.
	motoStartTimeout = 90 * time.Second
	// motoStopTimeout is the time that moto gets to end after SIGTERM.
	motoStopTimeout = 5 * time.Second
	// motoStarts is the number of ports to try. Another process may open a chosen port before moto does.
	motoStarts = 3
	// callTimeout bounds a call on loopback, which takes milliseconds.
	callTimeout = 60 * time.Second
)

// moto is a running moto server.
type moto struct {
	url     string
	process *child.Process
	stdin   io.WriteCloser // moto ends when it closes: see watchScript
	client  *http.Client
	// gate is held for reading by each forwarded call, and for writing while permissions are not enforced.
	gate sync.RWMutex
}

// watchScript starts a watcher and then replaces the shell by moto. The watcher ends moto when standard input closes. The
// kernel closes it when the process that started moto ends, so moto never outlives that process.
const watchScript = `exec 3<&0 </dev/null; { cat <&3 >/dev/null; kill "$$" 2>/dev/null; } & exec 3<&-; exec "$@"`

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
		if try == motoStarts || !errors.Is(err, child.ErrEnded) {
			return nil, fmt.Errorf("starting moto (%s): %w; see %s", server, err, logPath)
		}
	}
}

func tryMoto(ctx context.Context, server string, log *os.File) (*moto, error) {
	address, err := child.FreeAddress()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	// The client uses no proxy and no compression, so that answers are passed on unchanged.
	m := &moto{url: "http://" + address, client: &http.Client{Timeout: callTimeout, Transport: &http.Transport{DisableCompression: true}}}
	cmd := exec.Command("/bin/sh", "-c", watchScript, "sh", server, "-H", host, "-p", port)
	cmd.Env = motoEnv(os.Environ())
	cmd.Stdout, cmd.Stderr = log, log
	// In a process group of its own, moto does not get Ctrl-C from the terminal. A test needs it to clean up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if m.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if m.process, err = child.Start(cmd); err != nil {
		return nil, err
	}
	if err := m.process.AwaitHealthy(ctx, m.client, m.url+"/moto-api/data.json", motoStartTimeout); err != nil {
		return nil, errors.Join(err, m.stop())
	}
	return m, nil
}

// motoEnv removes variables that would change moto from an environment, and makes moto load AWS's managed policies.
func motoEnv(environ []string) []string {
	env := []string{"MOTO_IAM_LOAD_MANAGED_POLICIES=true"}
	for _, e := range environ {
		if !strings.HasPrefix(e, "MOTO_") && !strings.HasPrefix(e, "INITIAL_NO_AUTH_ACTION_COUNT=") {
			env = append(env, e)
		}
	}
	return env
}

// enforce makes moto check the signatures and permissions of all later calls.
func (m *moto) enforce(ctx context.Context) error { return m.setUnchecked(ctx, "0") }

// setUnchecked sets the number of calls that moto does not check.
func (m *moto) setUnchecked(ctx context.Context, calls string) error {
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
		return fmt.Errorf("setting moto's checks: the answer is %s", answer.Status)
	}
	return nil
}

// withoutChecks makes calls that moto would wrongly refuse. No other call reaches moto meanwhile.
func (m *moto) withoutChecks(ctx context.Context, do func() error) error {
	m.gate.Lock()
	defer m.gate.Unlock()
	if err := m.setUnchecked(ctx, "inf"); err != nil {
		return err
	}
	failure := do()
	// Permissions must be enforced again even if ctx has ended.
	return errors.Join(failure, m.enforce(context.WithoutCancel(ctx)))
}

// send sends a request to moto and reads the whole answer.
func (m *moto) send(request *http.Request) (*http.Response, []byte, error) {
	answer, err := m.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer, body, err
}

// stop ends moto and its watcher, which are in one process group.
func (m *moto) stop() error {
	defer m.stdin.Close()
	if err := m.process.Stop(motoStopTimeout); err != nil {
		return fmt.Errorf("stopping moto: %w", err)
	}
	return nil
}
