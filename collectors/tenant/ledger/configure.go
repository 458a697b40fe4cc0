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
	numbers, used := map[string]Numbers{}, map[int]bool{}
	for _, s := range c.Sources {
		service := d.service(s.Service)
		key := sourceKey{s.Name, service}
		number, ok := d.numbers[key]
		if !ok {
			if !s.Reads {
				b.removeOthers(key)
			}
			number = d.sourceCount
			d.sourceCount++
			d.numbers[key] = number
			d.pending = append(d.pending, appendSource(nil, s.Name, service, d.now().UnixMilli()))
		}
		numbers[s.Name] = Numbers{number, service}
		used[service] = true
	}
	for i, t := range d.services {
		if !used[i] { // nothing counts for it any more
			d.freeze(i, slices.Collect(maps.Keys(t.names)), false)
		}
	}
	d.mu.Unlock()
	b.Register(c.Registered, c.Sources)
	return numbers
}

// removeOthers ends the sources of the same name that counted for other services, if they have no positions: nothing asks for
// the ids of their posts any more. Positions wait for who reads those files next. The caller holds the directory's lock.
func (b *Book) removeOthers(key sourceKey) {
	b.Ledger.mu.RLock()
	defer b.Ledger.mu.RUnlock()
	for other, number := range b.numbers {
		if other.name == key.name && (number >= len(b.sources) || len(b.sources[number].files) == 0) {
			b.pending = append(b.pending, appendRemoveSource(nil, number))
			delete(b.numbers, other)
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

// Missed records requests of tenants without a slot, so that the busiest can get one.
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
