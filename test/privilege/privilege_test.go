package privilege

import (
	"testing"

	"tfserving/rehearsal/emulator"
	"tfserving/test/emulated"
)

// Every role that the program makes is checked in three ways: by a linter, by a simulator of IAM, and in an emulated account.
func TestEachRoleMayDoItsWorkAndNothingElse(t *testing.T) {
	s := gather(t)
	t.Run("the requests of this test cover every policy of the stack", s.covered)
	t.Run("a linter finds no mistake in a policy", s.passLinter)
	a := newAccount(t, emulated.Start(t, t.TempDir(), region, emulator.Times{}))
	t.Run("a simulator of IAM allows each role its work and nothing else", func(t *testing.T) { s.simulated(t, a.managedPolicies(t, s)) })
	t.Run("an emulated account allows each role its work and nothing else", func(t *testing.T) { s.enforced(t, a) })
}
