package source

import "sync/atomic"

// Up is whether a source could be read when it was last tried. One that was never tried has not failed.
type Up struct{ outcome atomic.Int32 }

const (
	untried int32 = iota
	succeeded
	failed
)

// Load reports whether the source has not failed.
func (u *Up) Load() bool { return u.outcome.Load() != failed }

// Tried reports whether the source was tried at all.
func (u *Up) Tried() bool { return u.outcome.Load() != untried }

// Store notes the outcome of a try.
func (u *Up) Store(up bool) { u.Swap(up) }

// Swap notes the outcome of a try, and reports what Load did before it.
func (u *Up) Swap(up bool) bool {
	outcome := failed
	if up {
		outcome = succeeded
	}
	return u.outcome.Swap(outcome) != failed
}
