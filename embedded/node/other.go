//go:build !linux

package node

import "errors"

var errLinux = errors.New("real nodes need Linux")

// ImageStore is a containerd root with images.
type ImageStore struct {
	Dir, Work, Bin string
	Archives       []string
}

// On other systems each of these fails, or has nothing to do.

func Hidden([]string, []byte) (bool, error)   { return false, nil }
func StartNetwork(_, _, _, _ string) error    { return errLinux }
func InNetwork(int, func() error) error       { return errLinux }
func RemoveCgroups(string) error              { return nil }
func Check(string, int, bool) []string        { return []string{errLinux.Error()} }
func (Config) Start(int, string) error        { return errLinux }
func (Config) ImportInto(int, []string) error { return errLinux }
func (Config) ShareImages(ImageStore) error   { return errLinux }
func (ImageStore) Import([]string) error      { return errLinux }
