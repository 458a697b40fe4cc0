package source

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// followed is a source of a policy.
type followed struct{ name, service, pattern string }

// setup is a policy that a store knows: it may be read later than another is known.
type setup struct {
	sources   []followed
	numbers   map[string]store.Numbers
	following Following
}

// policies are read one after the other with one store, as the collector does.
type policies struct {
	*reader
	reading sync.WaitGroup
	stopped context.CancelFunc // of what is read
	saving  sync.WaitGroup
	end     context.CancelFunc // of the store
	now     []followed
	did     []string
}

func newPolicies(t *testing.T) *policies {
	p := &policies{reader: newReader(t)}
	p.open()
	t.Cleanup(func() {
		p.close()
		if t.Failed() {
			for i, step := range p.did {
				t.Logf("%d: %s", i, step)
			}
			for number := range 100 {
				for _, f := range p.store.Files(number) {
					t.Logf("source %d: %+v", number, f)
				}
			}
		}
	})
	return p
}

func (p *policies) open() {
	p.t.Helper()
	var err error
	if p.state, err = state.Open(p.storage); err == nil {
		p.store, err = store.Open(store.Options{Logger: slog.New(slog.DiscardHandler), State: p.state, Immediate: true})
	}
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.end = cancel
	p.saving.Go(func() { _ = p.store.Run(ctx) })
}

func (p *policies) close() {
	p.halt()
	p.end()
	p.saving.Wait()
	_ = p.store.Close()
	_ = p.state.Close()
}

func (p *policies) configure(sources []followed) setup {
	conf := store.Config{Limit: 100}
	for _, s := range sources {
		conf.Sources = append(conf.Sources, store.SourceConfig{Name: s.name, Service: s.service, Reads: true})
	}
	next := setup{sources, p.store.Configure(conf), Following{}}
	for _, s := range sources {
		next.following[next.numbers[s.name].Source] = p.path(s.pattern)
	}
	return next
}

func (p *policies) halt() {
	if p.stopped != nil {
		p.stopped()
		p.reading.Wait()
	}
}

// read reads for one policy instead of another.
func (p *policies) read(s setup) {
	p.halt()
	ctx, cancel := context.WithCancel(context.Background())
	p.stopped, p.status, p.following = cancel, &Status{}, s.following
	p.now = s.sources
	for _, source := range s.sources {
		files := p.files(p.path(source.pattern), s.numbers[source.name], slog.New(slog.DiscardHandler))
		p.reading.Go(func() { _ = files.Run(ctx) })
	}
}

func (p *policies) apply(sources ...followed) { p.read(p.configure(sources)) }

// counted waits until all lines are counted that were made, and sees that no more are, as settled does.
func (p *policies) counted() {
	p.t.Helper()
	want := uint64(p.made.Load())
	total := func() uint64 { n, late, _ := p.store.Totals(); return n + late }
	testkit.Eventually(p.t, func() bool { return total() >= want }, "%d requests: %d are counted", want,
		testkit.Last(func() any { return total() }))
	time.Sleep(3*settleTime + 2*pollEvery)
	if got := total(); got != want {
		p.t.Fatalf("later %d requests, %d were made", got, want)
	}
}

// A source that is given another name or service and its own again, without a line between, counts nothing again:
// however often, across restarts, and if a policy is known before another is read.
func TestUndoneRename(t *testing.T) {
	for name, other := range map[string]followed{"name": {"z1", "web", "a.log"}, "service": {"s1", "api", "a.log"}} {
		for _, restarts := range []bool{false, true} {
			for _, fast := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/restarts=%t/fast=%t", name, restarts, fast), func(t *testing.T) {
					t.Parallel()
					p, random := newPolicies(t), testkit.Random(t)
					first := followed{"s1", "web", "a.log"}
					p.append("a.log", p.lines(1000))
					p.apply(first)
					p.counted()
					for range 10 {
						if fast {
							there, back := p.configure([]followed{other}), p.configure([]followed{first})
							p.read(there)
							// The policy ends somewhere between the first look at the logs and the last line.
							time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
							p.read(back)
							continue
						}
						p.apply(other)
						p.counted()
						if restarts {
							p.close()
							p.open()
						}
						p.apply(first)
						p.counted()
					}
					p.append("a.log", p.lines(5))
					p.counted()
					if n := len(p.store.Positions(-1)); n > 12 {
						t.Errorf("%d positions are left: %+v", n, p.store.Positions(-1))
					}
				})
			}
		}
	}
}

// Whatever is done to policies and logs, in whatever order and however fast, each line is counted once.
func TestAnySequenceOfPolicies(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for _, seed := range testkit.Seeds(t, rounds) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			anySequence(t, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func anySequence(t *testing.T, random *rand.Rand) {
	p := newPolicies(t)
	logs := []string{"a.log", "b.log", "c.log"}
	for _, log := range logs {
		p.append(log, p.lines(3))
	}
	divisions := [][]string{{"*.log"}, logs, {"[ab].log", "c.log"}, {"a.log", "[bc].log"}, {"[ac].log", "b.log"}}
	policy := func(whole bool) []followed {
		names := random.Perm(4)
		var all []followed
		division := divisions[random.IntN(len(divisions))]
		for i, pattern := range division {
			if whole || random.IntN(6) > 0 { // else some logs are not read for a while
				all = append(all, followed{"s" + strconv.Itoa(names[i]), []string{"web", "api"}[random.IntN(2)], pattern})
			}
		}
		return all
	}
	p.apply(followed{"s0", "web", "*.log"})
	p.counted()
	generation := map[string]int{}
	rotated := map[string]bool{}
	for range 60 {
		log := logs[random.IntN(len(logs))]
		var did string
		switch random.IntN(9) {
		case 0, 1, 2:
			n := 1 + random.IntN(30)
			p.append(log, p.lines(n))
			did = fmt.Sprintf("%s: %d lines", log, n)
		case 3:
			generation[log]++
			to := fmt.Sprintf("%s.%d", log, generation[log])
			p.rename(log, to)
			p.append(log, p.lines(2))
			rotated[to] = true
			did = fmt.Sprintf("%s is renamed %s", log, to)
		case 4:
			generation[log]++
			to := fmt.Sprintf("%s.%d", log, generation[log])
			p.cutOff(log, to, p.lines(random.IntN(60)))
			rotated[to] = true
			did = fmt.Sprintf("%s is copied to %s and truncated", log, to)
		case 5:
			if all := slices.Sorted(maps.Keys(rotated)); len(all) > 0 {
				name := all[random.IntN(len(all))]
				delete(rotated, name)
				p.zip(name)
				did = name + " is compressed"
			}
		case 6:
			next := policy(false)
			did = fmt.Sprintf("policy %v", next)
			p.apply(next...)
		case 7: // fast reloads: what is read is not what is known
			one, two := p.configure(policy(false)), p.configure(policy(false))
			did = fmt.Sprintf("policies %v, at once %v", one.sources, two.sources)
			if random.IntN(3) > 0 {
				p.read(one)
				// The next one follows somewhere between the first look at the logs and the last line.
				time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
			}
			p.read(two)
		case 8:
			p.close()
			p.open()
			did = "restart"
			if random.IntN(2) == 0 {
				p.apply(p.now...)
			} else {
				p.apply(policy(false)...)
			}
		}
		p.did = append(p.did, did)
		// What is done next meets the reader anywhere: before its look, while it reads, or after it.
		time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
	}
	last := policy(true)
	p.did = append(p.did, fmt.Sprintf("policy %v", last))
	p.apply(last...)
	p.counted()
	p.close()
	p.open()
	p.apply(policy(true)...)
	p.counted()
}

// A source that is given another name or service goes on where it was, and back again; one of another log does not.
func TestAnotherNameOrServiceGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.append("access.log", logLines(10))
		r.start()
		r.wants(10)
		total := 10
		for _, step := range []struct{ name, service string }{
			{"other", "web"}, {"other", "api"}, {"log", "api"}, {"log", "web"},
		} {
			r.stop()
			r.append("access.log", logLines(5))
			r.rename("access.log", "access.log.1")
			r.append("access.log", logLines(3))
			r.name, r.service = step.name, step.service
			r.start()
			total += 8
			r.wants(total)
			r.append("access.log", logLines(1))
			total++
			r.wants(total)
			_ = os.Remove(r.path("access.log.1"))
		}
		r.stop()
		r.name, r.pattern = "new", r.path("new.log")
		r.append("new.log", logLines(4))
		r.start()
		r.wants(total + 4)
		r.stop()
		r.name, r.pattern = "log", r.path("access.log") // without saved positions
		r.append("access.log", logLines(1))
		r.start()
		r.wants(total + 5)
	})
}

// A source that is divided among others goes on in each of them.
func TestDividedSourceGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.pattern = r.path("*.log")
		r.append("a.log", logLines(10))
		r.append("b.log", logLines(20))
		r.start()
		r.wants(30)
		r.stop()
		r.append("a.log", logLines(1))
		r.append("b.log", logLines(2))
		r.name, r.pattern, r.also = "a", r.path("a.log"), r.path("b.log")
		r.start()
		r.wants(33)
	})
}
