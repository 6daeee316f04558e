package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockPorts makes clusters that start at once choose their ports one after the other.
func lockPorts(ctx context.Context) (func(), error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("finding the user's cache folder: %w", err)
	}
	return LockFile(ctx, filepath.Join(dir, "tfserving", "ports.lock"), nil)
}

// lockRetry is the time between two attempts to take a lock.
const lockRetry = 100 * time.Millisecond

// LockFile takes the lock of a file, and makes the file if there is none. The system releases the lock when the process
// ends. While another process holds the lock, LockFile calls busy with that process' identifier: it returns busy's error,
// or tries again after nil. Without busy it waits until ctx ends.
func LockFile(ctx context.Context, name string, busy func(holder string) error) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of a lock: %w", err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening a lock: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", name, err)
		}
		if busy != nil {
			holder, _ := os.ReadFile(name)
			if err := busy(string(holder)); err != nil {
				f.Close()
				return nil, err
			}
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(lockRetry):
		}
	}
	// The holder's identifier, for busy of other processes.
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d", os.Getpid())
	}
	return func() { f.Close() }, nil
}
