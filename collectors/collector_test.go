package collectors

import (
	"errors"
	"sync"
	"testing"
)

// A change holds its lock until it is committed or aborted. One that cannot be prepared holds none, also after a panic:
// the next policy can be prepared.
func TestExclusively(t *testing.T) {
	var lock sync.Mutex
	free := func() bool {
		if !lock.TryLock() {
			return false
		}
		lock.Unlock()
		return true
	}
	if _, err := Exclusively(&lock, func() (func(), error) { return nil, errors.New("no disk") }); err == nil || !free() {
		t.Errorf("after an error (%v) the lock is held", err)
	}
	err := Guard(func() error {
		_, err := Exclusively(&lock, func() (func(), error) { panic("odd policy") })
		return err
	})
	if ReasonOf(err) != ReasonPanic || !free() {
		t.Errorf("after a panic (%v) the lock is held", err)
	}
	for _, end := range []func(Change){func(c Change) { c.Commit() }, func(c Change) { c.Abort() }} {
		change, err := Exclusively(&lock, func() (func(), error) { return func() {}, nil })
		if err != nil || free() {
			t.Errorf("a change that is prepared holds no lock, %v", err)
		}
		end(change)
		if !free() {
			t.Error("a change that has ended holds the lock")
		}
	}
}
