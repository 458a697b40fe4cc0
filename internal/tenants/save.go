package tenants

import (
	"fmt"
	"time"
)

// savePatience is how long a save may take before the list counts as not kept.
const savePatience = 10 * time.Second

// saving is the state of saves. At most one is under way, whatever the disk does.
type saving struct {
	patience time.Duration
	running  bool
	again    bool  // another read has ended since the save under way began
	err      error // why the list in use is not kept
}

// save saves the list in use beside the reads: a disk that hangs keeps none of them waiting. The caller holds the lock.
func (r *Registry) save() {
	switch {
	case r.dir == nil:
	case r.saving.running:
		r.saving.again = true
	default:
		r.saving.running = true
		go r.saveAll()
	}
}

// saveAll saves until no read has ended in the meantime.
func (r *Registry) saveAll() {
	for again := true; again; {
		r.mu.Lock()
		s := r.newest
		r.saving.again = false
		r.mu.Unlock()
		again = r.saveOnce(s)
	}
}

// saveOnce saves the list of a reader, and reports whether another save is to follow.
func (r *Registry) saveOnce(s *Reader) (again bool) {
	ended := false // guarded by the lock
	timer := time.AfterFunc(r.saving.patience, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !ended {
			err := fmt.Errorf(
				"the tenant registry cannot be kept: the save has not returned within %s; the disk hangs", r.saving.patience)
			r.logNotKept(err)
			r.saved(err)
		}
	})
	defer timer.Stop()
	err := r.guardedKeep(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	ended = true
	r.saved(err)
	r.saving.running = r.saving.again
	return r.saving.again
}

// saved records the outcome of a save. If it differs from the one before, the update of a good read is repeated; that
// of a read that failed is not, or the failure would count twice. The caller holds the lock.
func (r *Registry) saved(err error) {
	differs := (err == nil) != (r.saving.err == nil)
	r.saving.err = err
	if differs && r.last.reader == r.newest && r.last.Err == nil {
		r.last.NotKept = err
		r.last.number++
		r.announce()
	}
}

// guardedKeep is keep, whose panic is an error: no collector guards the goroutine of a save.
func (r *Registry) guardedKeep(s *Reader) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the save of the tenant registry panicked: %v", p)
			r.logNotKept(err)
		}
	}()
	return r.keep(s)
}

// keep saves the list of the newest reader for the next start, if it was read in this run and is not what was saved
// last. The list of a reader that has been replaced is not saved.
func (r *Registry) keep(s *Reader) error {
	r.mu.Lock()
	newest := r.newest == s
	r.mu.Unlock()
	if !newest {
		return nil
	}
	if err := s.Keep(r.dir, keptName); err != nil {
		r.logNotKept(err)
		return err
	}
	if r.dir != nil {
		if err := r.recordMembers(s); err != nil {
			r.logNotKept(err)
			return err
		}
	}
	r.mu.Lock()
	replaced := r.replaced && s.wasRead()
	r.replaced = r.replaced && !replaced
	r.mu.Unlock()
	if replaced {
		if err := r.dir.Remove(keptNameOfHealth); err != nil {
			r.logger.Warn("The tenant registry of an earlier release cannot be removed", "err", err)
		}
	}
	return nil
}

func (r *Registry) logNotKept(err error) {
	r.logger.Warn("A start without the registry would know older tenants, or none", "err", err)
}
