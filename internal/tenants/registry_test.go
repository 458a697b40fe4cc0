package tenants

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// testRegistry returns a registry that keeps its list in a directory.
func testRegistry(t *testing.T) (*Registry, *state.Dir) {
	t.Helper()
	d, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return NewRegistry(d, slog.New(slog.DiscardHandler)), d
}

// subscribe returns a subscription that has put a policy's registry in force.
func subscribe(t *testing.T, r *Registry, c *config.Registry) *Subscription {
	t.Helper()
	s := r.Subscribe()
	reader, err := s.Prepare(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Use(reader)
	return s
}

// However many collectors follow the registry, it is read once in an interval and each of them is notified of each
// read.
func TestRegistryIsReadOnceForAll(t *testing.T) {
	r, d := testRegistry(t)
	file := filepath.Join(t.TempDir(), "tenants.yaml")
	testkit.WriteFile(t, file, "tenants: [{name: acme}]")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r.changed = make(chan struct{}) // one of the bubble
		var wg sync.WaitGroup
		var mu sync.Mutex
		updates := map[int]int{}
		c := &config.Registry{File: file, Refresh: config.Duration(time.Minute)}
		// All of them use it before the first one runs: each Use makes a read due.
		var followers []*Subscription
		for range 3 {
			followers = append(followers, subscribe(t, r, c))
		}
		for i, s := range followers {
			if s.Reader() != followers[0].Reader() {
				t.Error("two readers of one registry")
			}
			wg.Go(func() {
				s.Run(ctx, func(u Update) {
					mu.Lock()
					defer mu.Unlock()
					if updates[i]++; u.Err != nil || u.NotKept != nil {
						t.Error(u)
					}
				})
			})
		}
		none := subscribe(t, r, &config.Registry{})
		wg.Go(func() { none.Run(ctx, func(u Update) { t.Errorf("an update without a registry: %+v", u) }) })
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		cancel()
		wg.Wait()
		reads := int(r.last.number)
		if reads != 11 {
			t.Errorf("%d reads, at the start and in ten intervals", reads)
		}
		for i := range 3 {
			if updates[i] != reads {
				t.Errorf("subscription %d has %d updates of %d reads", i, updates[i], reads)
			}
		}
	})
	if list, err := Kept(d, keptName); err != nil || len(list) != 1 {
		t.Errorf("%v kept, %v", list, err)
	}
}

// The list that the first releases saved for health checks is used while there is no other, and replaced by the one
// list.
func TestListOfAnEarlierReleaseIsUsed(t *testing.T) {
	r, d := testRegistry(t)
	if err := Keep(d, keptNameOfHealth, []Tenant{{Name: "acme"}, {Name: "zoo"}}); err != nil {
		t.Fatal(err)
	}
	dsn := filepath.Join(t.TempDir(), "dsn")
	testkit.WriteFile(t, dsn, "host=/nowhere-at-all user=x")
	database := &config.Registry{
		Postgres: &config.RegistryPostgres{DSNFile: dsn, Query: "q"}, Refresh: config.Duration(time.Minute),
	}
	s := subscribe(t, r, database)
	if list, known := s.Reader().List(); !known || len(list) != 2 {
		t.Errorf("%v, %v", list, known)
	}
	if err := s.Refresh(t.Context()); err == nil || r.Errors() != 1 {
		t.Errorf("%v, %d errors", err, r.Errors())
	}
	if list, err := Kept(d, keptNameOfHealth); err != nil || len(list) != 2 {
		t.Errorf("nothing was read, and of the earlier list %v is left, %v", list, err)
	}
	// Half of it is doubted, as a list of this release would be.
	file := filepath.Join(t.TempDir(), "tenants.yaml")
	testkit.WriteFile(t, file, "tenants: [{name: acme}, {name: new}]")
	s = subscribe(t, r, &config.Registry{File: file, Refresh: database.Refresh})
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err := Kept(d, keptName); err != nil || len(list) != 2 || list[1].Name != "new" {
		t.Errorf("%v kept, %v", list, err)
	}
	if list, err := Kept(d, keptNameOfHealth); err != nil || list != nil {
		t.Errorf("%v is left, %v", list, err)
	}
}

// A policy that is refused leaves the reader in force as it is; the next one takes over what was prepared.
func TestPreparedSourceIsNotInForce(t *testing.T) {
	r, _ := testRegistry(t)
	dir := t.TempDir()
	one, other := filepath.Join(dir, "one.yaml"), filepath.Join(dir, "other.yaml")
	testkit.WriteFile(t, one, "tenants: [{name: a}, {name: b}, {name: c}]")
	testkit.WriteFile(t, other, "tenants: [{name: x}]")
	refresh := config.Duration(time.Minute)
	s := subscribe(t, r, &config.Registry{File: one, Refresh: refresh})
	prepared, err := s.Prepare(&config.Registry{File: other, Refresh: refresh})
	if err != nil {
		t.Fatal(err)
	}
	if list, _ := s.Reader().List(); len(list) != 3 {
		t.Errorf("%v", list)
	}
	if list, _ := prepared.List(); len(list) != 1 {
		t.Errorf("another file is another list: %v", list)
	}
	if again, err := r.Subscribe().Prepare(&config.Registry{File: other, Refresh: refresh}); err != nil ||
		again != prepared {
		t.Errorf("another collector prepares another reader: %v", err)
	}
	missing, err := s.Prepare(&config.Registry{File: filepath.Join(dir, "none.yaml"), Refresh: refresh})
	if err == nil || missing == nil {
		t.Errorf("%v, %v; want the reader beside the error", missing, err)
	}
}

// A reader that was prepared for a policy that was refused comes into force with the tenants of now, not of that day.
func TestPreparedReaderHasTheNewestList(t *testing.T) {
	r, _ := testRegistry(t)
	dir := t.TempDir()
	file, dsn := filepath.Join(dir, "tenants.yaml"), filepath.Join(dir, "dsn")
	testkit.WriteFile(t, file, "tenants: [{name: a}, {name: b}]")
	testkit.WriteFile(t, dsn, "host=/nowhere-at-all user=x")
	refresh := config.Duration(time.Minute)
	s := subscribe(t, r, &config.Registry{File: file, Refresh: refresh})
	prepare := func(want int) *Reader {
		t.Helper()
		database := &config.RegistryPostgres{DSNFile: dsn, Query: "q"}
		reader, err := s.Prepare(&config.Registry{Postgres: database, Refresh: refresh})
		if err != nil {
			t.Fatal(err)
		}
		if list, known := reader.List(); !known || len(list) != want {
			t.Errorf("%v, want %d tenants", list, want)
		}
		return reader
	}
	refused := prepare(2)
	testkit.WriteFile(t, file, "tenants: [{name: a}, {name: b}, {name: c}]")
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := prepare(3)
	version := again.Version()
	if prepare(3); again != refused || again.Version() != version {
		t.Error("another collector has another reader, or finds a list that is not new changed")
	}
}

// A database that hangs holds up only the subscription that reads it. If that one ends, another reads.
func TestReadIsTakenOver(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn // and answers nothing
		}
	}()
	r, _ := testRegistry(t)
	dsn := filepath.Join(t.TempDir(), "dsn")
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	testkit.WriteFile(t, dsn, "host=127.0.0.1 port="+port+" user=x sslmode=disable")
	c := &config.Registry{
		Postgres: &config.RegistryPostgres{DSNFile: dsn, Query: "q"}, Refresh: config.Duration(time.Hour),
	}
	run := func() (s *Subscription, updates chan Update, stop func()) {
		s, updates = subscribe(t, r, c), make(chan Update, 10)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Run(ctx, func(u Update) { updates <- u })
		}()
		return s, updates, func() { cancel(); <-done }
	}
	_, first, stopFirst := run()
	conn := <-accepted
	defer conn.Close()
	_, second, stopSecond := run()
	defer stopSecond()
	stopFirst()
	(<-accepted).Close()
	if u := <-second; u.Err == nil {
		t.Error("a database that hangs up is no error")
	}
	if len(first) > 0 {
		t.Errorf("a read that was cut short is an update: %+v", <-first)
	}
}
