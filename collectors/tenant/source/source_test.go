package source

import (
	"testing"
	"time"
)

// One message a minute, and not none for an hour because the clock was an hour ahead.
func TestSamplerFollowsTheClock(t *testing.T) {
	var s Sampler
	if !s.Allow() || s.Allow() {
		t.Error("not one at first")
	}
	s.last.Store(time.Now().Add(-sampleEvery).UnixNano())
	if !s.Allow() || s.Allow() {
		t.Error("not one after a minute")
	}
	s.last.Store(time.Now().Add(time.Hour).UnixNano())
	if !s.Allow() || s.Allow() {
		t.Error("not one after the clock was put back")
	}
}
