package privilege

import (
	"context"
	"os"
	"testing"

	"tfserving/rehearsal/emulator"
)

// TestLeastPrivilege proves of every role that the program makes that it may do its work, and not what is another
// cluster's or nobody's business: by a static analyser, by a simulator of IAM, and in an emulated account.
func TestLeastPrivilege(t *testing.T) {
	s := gather(t)
	t.Run("every policy of the stack is looked at", s.provenWhole)
	t.Run("a static analyser finds no fault", s.analysed)
	moto, err := emulator.EnsureMoto(t.Context(), os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	// A context of its own: the account must outlive the test's end until its cleanup has run.
	cloud, err := emulator.Start(context.WithoutCancel(t.Context()), emulator.Config{
		Dir: t.TempDir(), MotoServer: moto, Region: region, Log: os.Stdout,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cloud.Stop(); err != nil {
			t.Errorf("stopping emulated AWS: %v", err)
		}
	})
	a := newAccount(t, cloud)
	t.Run("each role may do its work and no more", func(t *testing.T) { s.weighed(t, a.managedPolicies(t, s)) })
	t.Run("AWS lets each do its work and no more", func(t *testing.T) { s.enforced(t, a) })
}
