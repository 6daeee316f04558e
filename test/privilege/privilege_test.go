package privilege

import (
	"testing"

	"tfserving/rehearsal/emulator"
	"tfserving/test/emulated"
)

// TestLeastPrivilege proves of every role that the program makes that it may do its work, and not what is another
// cluster's or nobody's business: by a static analyser, by a simulator of IAM, and in an emulated account.
func TestLeastPrivilege(t *testing.T) {
	s := gather(t)
	t.Run("every policy of the stack is looked at", s.provenWhole)
	t.Run("a static analyser finds no fault", s.analysed)
	a := newAccount(t, emulated.Start(t, t.TempDir(), region, emulator.Times{}))
	t.Run("each role may do its work and no more", func(t *testing.T) { s.weighed(t, a.managedPolicies(t, s)) })
	t.Run("AWS lets each do its work and no more", func(t *testing.T) { s.enforced(t, a) })
}
