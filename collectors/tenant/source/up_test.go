package source

import "testing"

// A source that was never tried has not failed, and is not known to be up.
func TestUp(t *testing.T) {
	var u Up
	if !u.Load() || u.Tried() {
		t.Error("it was not tried")
	}
	if !u.Swap(false) || u.Load() || !u.Tried() {
		t.Error("it has failed")
	}
	if u.Swap(true) || !u.Load() || !u.Tried() {
		t.Error("it is up again")
	}
}
