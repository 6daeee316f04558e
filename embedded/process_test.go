package embedded

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// busyServer is a variable that turns the test binary into a process like a component under load: it listens on a port, and
// has many threads and much memory. It prints its address.
const busyServer = "TFSERVING_BUSY_SERVER"

const (
	busyThreads = 300
	busyMemory  = 256 << 20 // bytes
	kills       = 15
)

func TestMain(m *testing.M) {
	if os.Getenv(busyServer) != "" {
		serveBusily()
		return
	}
	os.Exit(m.Run())
}

func serveBusily() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	memory := make([]byte, busyMemory)
	for i := 0; i < len(memory); i += os.Getpagesize() {
		memory[i] = 1
	}
	for range busyThreads {
		go func() {
			runtime.LockOSThread()
			for {
				time.Sleep(time.Millisecond)
			}
		}()
	}
	fmt.Println(listener.Addr())
	for {
		if conn, err := listener.Accept(); err == nil {
			conn.Close()
		}
	}
}

// A process whose first thread has ended is a zombie, but its other threads may still hold its sockets.
func TestAKilledProcessHoldsNoPort(t *testing.T) {
	c := New(Config{Dir: t.TempDir()})
	for range kills {
		cmd := exec.Command(os.Args[0], c.cfg.Dir) // processIn recognises it by the folder
		cmd.Env = append(os.Environ(), busyServer+"=1")
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		var address string
		_, err = fmt.Fscanln(out, &address)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(c.cfg.Dir, "busy.pid")
		if err := os.WriteFile(file, []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
			t.Fatal(err)
		}
		p := c.processIn(file)
		if p == nil {
			t.Fatal("the process in the file is not found")
		}
		p.kill()
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s still answers", address)
		}
		_ = cmd.Wait()
	}
}
