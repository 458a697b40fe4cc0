package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "health"
	snapshotVersion = 2
	snapshotBytes   = 512 << 20
)

// Counters of targets that are not configured any more are kept for keepFor: a registry that lost a tenant by
// mistake, or a policy that was rolled back, goes on where it was.
const (
	keepFor = 24 * time.Hour
	maxKept = 100_000
)

// What a scrape shows of the persistent counters, and what a restart makes of them.
//
// Normally a scrape shows what was last saved, so that a restart goes on where the scrape was: a counter
// that steps back reads as a reset to 0, and all that it ever counted would count again. But pages wait for
// these counters, and they must not wait for a disk that hangs or is full. So every snapshot contains until when
// nothing but saved counters will have been shown (trustFor after it was taken, renewed by the next), and
// when that moment has passed without another save, counters go on from memory.
//
// A snapshot is trusted if that moment has not come, or if it is the last of an exporter that stopped in
// order and no other came after. Otherwise more may have been shown than it holds. Nothing on the disk could
// show that, for the disk is what hung. Then counters start at 0 with a new creation time, which Prometheus adds up
// exactly; an open outage stays open either way. So what a hung disk costs is at most a restart's count
// from 0, and what an exporter that was killed and stays away for longer than trustFor costs is the same.
const trustFor = 15 * time.Second

// saved is the state of one target that survives a restart.
type saved struct {
	totals
	AppService string    `json:"app_service"`
	Location   string    `json:"location"`
	Created    time.Time `json:"created"`
	// Removed is when the policy last had the target, zero for one that is configured.
	Removed time.Time `json:"removed,omitzero"`
}

// persistence is the state of saving. The collector's lock guards it.
type persistence struct {
	savedAt time.Time // when what is shown was taken
	failing bool      // the last save failed
	until   time.Time // so long nothing that is not saved is shown
	live    bool      // counters are shown as they are in memory
	saves   [2]uint64 // succeeded, failed
}

// validUntil returns until when a snapshot taken now may claim to contain all that was shown. While saving fails
// that time is not moved on: the failed snapshot may be on the disk nevertheless.
func (p *persistence) validUntil(now time.Time) time.Time {
	if p.live {
		return time.Time{}
	}
	if !p.failing {
		p.until = now.Add(trustFor)
	}
	return p.until
}

// shownOf returns the counters of a target that a scrape may show. The caller holds the lock.
func (c *Collector) shownOf(t *target) (saved, bool) {
	s := t.saved()
	if c.live {
		return s, true
	}
	s.totals = t.shown
	return s, t.isShown
}

func (t *target) saved() saved {
	return saved{totals: t.machine.totals, AppService: t.spec.AppService, Location: t.location, Created: t.created}
}

// show lets scrapes see a target's counters.
func (t *target) show(saved totals) { t.shown, t.isShown = saved, true }

// snapshot is what is to be saved now, first of the targets that are configured. A scrape may show these once they are
// saved. The caller holds the lock.
func (c *Collector) snapshot(now time.Time) (configured []*target, all []entry) {
	configured = c.sorted
	all = make([]entry, 0, len(configured)+len(c.kept))
	for _, t := range configured {
		all = append(all, entry{t.check, t.tenant, t.saved()})
		c.history.take(place{t.check, t.tenant, t.location}, t.machine)
	}
	maps.DeleteFunc(c.gone, func(_ identity, g gone) bool { return now.Sub(g.at) >= goneFor })
	for id, s := range c.kept {
		// an earlier run's that this one has not been asked for, or of a clock that was ahead
		if s.Removed.IsZero() || s.Removed.After(now) {
			s.Removed = now
			c.kept[id] = s
		}
		if now.Sub(s.Removed) > keepFor || len(c.kept) > maxKept {
			c.history.endKept(id, &s, c.policy.SLA.Zone())
			delete(c.kept, id)
			continue
		}
		all = append(all, entry{id.check, id.tenant, s})
	}
	return configured, all
}

// saveNow saves the counters as they are and publishes what was saved. The final save is the one after which
// nothing is shown any more.
func (c *Collector) saveNow(now time.Time, final bool) error {
	// First, so that what ends is numbered behind what is archived.
	unread := c.loadHistory()
	c.mu.Lock()
	configured, entries := c.snapshot(now)
	d := document{
		Taken: now, Until: c.validUntil(now), Final: final, Targets: entries, References: c.reference.remembered(),
		Ended: c.history.waiting,
	}
	c.mu.Unlock()
	return errors.Join(unread, c.published(configured, d, c.write(d)))
}

// write writes a snapshot. Without a storage path it has nothing to do.
func (c *Collector) write(d document) error {
	if c.dir == nil {
		return nil
	}
	d.Session = c.dir.Session()
	payload, err := d.encode()
	if err != nil {
		return fmt.Errorf("health checks cannot be encoded: %w", err)
	}
	return c.dir.Save(snapshotName, snapshotVersion, payload)
}

// published lets scrapes see the saved counters of targets, which are the document's first, or records that saving
// failed.
func (c *Collector) published(configured []*target, d document, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failing = err != nil
	if err != nil {
		c.saves[1]++
		return &collectors.ReasonError{Reason: collectors.ReasonIO, Err: err}
	}
	c.saves[0]++
	c.savedAt = d.Taken
	for i, t := range configured {
		t.show(d.Targets[i].totals)
	}
	c.history.saved = d.Ended
	c.history.forget()
	if c.live {
		// What was shown a moment ago is more than what was saved: it stands until the next save, and
		// the snapshot on the disk has no time until which a restart may trust it.
		c.live, c.until = false, time.Now().Add(trustFor)
		for _, t := range c.sorted {
			t.show(t.machine.totals)
		}
		c.history.saved = c.history.waiting
		c.logger.Info("Counters are saved again")
	}
	return nil
}

// continueInMemory lets counters go on from memory if saving takes longer than they may stand still. The caller holds
// the lock.
func (c *Collector) continueInMemory(now time.Time) {
	if c.dir == nil || c.live || !now.After(c.until) {
		return
	}
	c.live = true
	c.logger.Error("Nothing could be saved; counters go on unsaved, and a restart begins them at 0", "last_saved",
		c.savedAt)
}

// SavingStatus is the state of saving.
type SavingStatus struct {
	LastSaved time.Time // up to when everything is saved
	Live      bool      // what is shown is not saved
}

// Saving returns the state of saving.
func (c *Collector) Saving() SavingStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return SavingStatus{LastSaved: c.savedAt, Live: c.live}
}

// load reads the counters of an earlier run. A snapshot that cannot be trusted starts at 0 with a new creation time:
// a counter that stepped back would look like an outage that did not happen.
func (c *Collector) load(now time.Time) map[identity]saved {
	restored := map[identity]saved{}
	c.savedAt, c.until = now, now.Add(trustFor)
	if c.dir == nil {
		return restored
	}
	payload, err := c.dir.Load(snapshotName, snapshotVersion, snapshotBytes)
	if err != nil {
		if !errors.Is(err, state.ErrNotFound) {
			c.logger.Warn("Health counters start at 0: the saved ones cannot be used", "err", err)
		}
		return restored
	}
	var d document
	if err := json.Unmarshal(payload, &d); err != nil {
		c.logger.Warn("Health counters start at 0: the saved ones cannot be read", "err", err)
		return restored
	}
	c.remembered = d.References
	c.history.waiting, c.history.saved = d.Ended, d.Ended
	for _, e := range d.Ended {
		c.history.sequence = max(c.history.sequence, e.Sequence)
	}
	trusted := d.trusted(c.dir.Session()-1, now)
	for _, e := range d.Targets {
		if !trusted {
			e.totals, e.Created = totals{
				OutageStart: e.OutageStart, OutageReason: e.OutageReason, Measured: e.Measured, Today: e.Today,
			}, now
		}
		e.Measured = e.Measured.restored(!e.OutageStart.IsZero(), now)
		if e.OutageStart.After(now) { // the clock was ahead
			e.OutageStart = now
		}
		restored[identity{key{e.Check, e.Tenant}, e.AppService, e.Location}] = e.saved
	}
	if !trusted && len(d.Targets) > 0 {
		c.logger.Info(
			"Health counters start at 0: the exporter before this one did not stop in order and "+
				"may have shown more than it had saved; open outages stay open",
			"last_saved", d.Taken)
	}
	return restored
}
