package ledger

import (
	"maps"
	"slices"
)

// SourceConfig is a source of the policy. Reads is whether it has positions.
type SourceConfig struct {
	Name, Service string
	Reads         bool
}

// Config is what a policy says about what is counted.
type Config struct {
	Thresholds []uint64 // nanoseconds
	Limit      int
	Sources    []SourceConfig
	// Registered are the tenants there are; nil admits whoever comes.
	Registered map[string]struct{}
}

// Numbers are what a record calls a source and its service.
type Numbers struct{ Source, Service int }

// Configure puts a policy in force and returns the numbers of its sources by name. What it changes is saved
// with the next commit.
func (b *Book) Configure(c Config) map[string]Numbers {
	d := &b.directory
	d.mu.Lock()
	d.limit = c.Limit
	if !slices.Equal(c.Thresholds, d.columns) {
		d.columns = c.Thresholds
		d.pending = append(d.pending, appendThresholds(nil, recordThresholds, c.Thresholds))
	}
	b.bury()
	numbers, used := map[string]Numbers{}, map[int]bool{}
	for _, s := range c.Sources {
		service := d.service(s.Service)
		number, ok := d.numbers[s.Name]
		if ok && d.sourceService[number] != service {
			if !s.Reads {
				d.pending = append(d.pending, appendRemoveSource(nil, number))
			}
			ok = false // another one goes on at its positions: Heir
		}
		if !ok {
			number = len(d.sourceService)
			d.sourceService = append(d.sourceService, service)
			d.numbers[s.Name] = number
			d.pending = append(d.pending, appendSource(nil, s.Name, service, d.now().UnixMilli()))
		}
		numbers[s.Name] = Numbers{number, service}
		used[service] = true
	}
	d.inForce = numbers
	for i, t := range d.services {
		if !used[i] { // nothing counts for it any more
			d.freeze(i, slices.Collect(maps.Keys(t.names)), false)
		}
	}
	d.mu.Unlock()
	b.Register(c.Registered, c.Sources)
	return numbers
}

// bury ends sources whose positions are others' now: whoever takes their name again must not go on at old ones. The caller holds
// the directory's lock.
func (b *Book) bury() {
	b.Ledger.mu.RLock()
	defer b.Ledger.mu.RUnlock()
	for i, s := range b.sources {
		if !s.left || s.removed {
			continue
		}
		b.pending = append(b.pending, appendRemoveSource(nil, i))
		if b.numbers[s.name] == i {
			delete(b.numbers, s.name)
		}
	}
}

// Register puts a registry in force for the services of the sources.
func (b *Book) Register(registered map[string]struct{}, sources []SourceConfig) {
	if registered == nil {
		return
	}
	done := map[string]bool{}
	for _, s := range sources {
		if done[s.Service] {
			continue
		}
		done[s.Service] = true
		b.directory.mu.Lock()
		service := b.service(s.Service)
		b.directory.mu.Unlock()
		b.register(service, registered)
	}
}

// Thresholds are the latency thresholds in force.
func (l *Ledger) Thresholds() []uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.thresholds
}

// Slots are where a service's requests go that belong to no tenant with series.
func (b *Book) Slots(service int) (other, unknown uint32) {
	b.directory.mu.RLock()
	defer b.directory.mu.RUnlock()
	t := b.directory.services[service]
	return t.other, t.unknown
}

// Lookup finds the slot of a tenant.
func (b *Book) Lookup(service int, name []byte) (uint32, bool) { return b.lookup(service, name) }

// Admit finds a tenant's slot or gives it one if there is room.
func (b *Book) Admit(service int, name string) (uint32, bool) { return b.admit(service, name) }

// Missed tells of requests of tenants without a slot, so that the busiest can be given one.
func (b *Book) Missed(service int, counts map[string]uint64) {
	b.directory.mu.Lock()
	defer b.directory.mu.Unlock()
	t := b.directory.services[service]
	for name, n := range counts {
		if _, ok := t.names[name]; !ok {
			t.rivals.add(name, n)
		}
	}
}

// Epoch grows whenever a slot changes hands.
func (b *Book) Epoch() uint64 { return b.epoch.Load() }

// Releases grows whenever a slot is taken away: who remembers slots must forget them then.
func (b *Book) Releases() uint64 { return b.releases.Load() }

// Heir returns the record by which a new source goes on at the positions of one that no policy names any more: somebody has
// given it another name, format or service, and what it has read is not to be read again. read is how much of the new source's
// files positions say was read; whoever read most is the one, and nil is returned if nobody read anything.
func (b *Book) Heir(source int, read func([]File) uint64) []byte {
	b.directory.mu.RLock()
	named := map[int]bool{}
	for _, n := range b.inForce {
		named[n.Source] = true
	}
	sources := len(b.sourceService)
	b.directory.mu.RUnlock()
	best, most := 0, uint64(0)
	for i := range sources {
		if named[i] {
			continue
		}
		if n := read(b.Files(i)); n > most {
			best, most = i, n
		}
	}
	if most == 0 {
		return nil
	}
	return appendInherit(nil, best, source)
}

// Encode encodes a delta as a record to commit.
func Encode(d *Delta) []byte { return appendDelta(make([]byte, 0, 256+128*len(d.Cells)), d) }

// Files returns the positions in a source's files.
func (l *Ledger) Files(source int) []File {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if source >= len(l.sources) {
		return nil
	}
	var all []File
	for _, f := range l.sources[source].files {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b File) int { return int(int64(a.ID) - int64(b.ID)) })
	return all
}

// Seen reports whether a request of the source was counted before.
func (l *Ledger) Seen(source int, each func(seen func(id uint64) bool)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if source >= len(l.sources) || l.sources[source].ids == nil {
		each(func(uint64) bool { return false })
		return
	}
	each(l.sources[source].ids.has)
}
