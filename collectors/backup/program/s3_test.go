package program

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/s3test"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestS3(t *testing.T) {
	s := s3test.New("backups", "AKIATEST", []s3test.Object{
		{Key: "db/2026-09-19.dump", Modified: backuptest.Noon.Add(-24 * time.Hour), Size: 100},
		{Key: "db/2026-09-20.dump", Modified: backuptest.Noon, Size: 120},
		{Key: "db/2026-09-20.log", Modified: backuptest.Noon.Add(time.Hour), Size: 1},
		{Key: "other/2026-09-21.dump", Modified: backuptest.Noon.Add(24 * time.Hour), Size: 1},
	})
	g := listReal(t, backuptest.Bucket(t, s, "db/", "*.dump")).only(t, metric.KindFull)
	if g.Retained != 2 || !g.Newest.Stop.Equal(backuptest.Noon) || g.Newest.Size != 120 ||
		g.Newest.ID != "2026-09-20.dump" {
		t.Errorf("%+v", g)
	}
}

func TestS3PerTenant(t *testing.T) {
	s := s3test.New("backups", "AKIATEST", []s3test.Object{
		{Key: "acme/1.tar.zst", Modified: backuptest.Noon, Size: 1},
		{Key: "acme/2.tar.zst", Modified: backuptest.Noon.Add(time.Hour), Size: 1},
		{Key: "initech/1.tar.zst", Modified: backuptest.Noon, Size: 1},
	})
	got := listReal(t, backuptest.Bucket(t, s, "", "{tenant}/*.tar.zst")).Tenants
	if len(got) != 2 || !got["acme"].Stop.Equal(backuptest.Noon.Add(time.Hour)) {
		t.Errorf("%v", got)
	}
}

// An object appears once its upload is complete; a backup of many objects only with its marker.
func TestS3MarkerSaysThatABackupIsComplete(t *testing.T) {
	s := s3test.New("backups", "AKIATEST", []s3test.Object{
		{Key: "a/1", Modified: backuptest.Noon, Size: 10},
		{Key: "a/2", Modified: backuptest.Noon.Add(time.Minute), Size: 20},
		{Key: "a/DONE", Modified: backuptest.Noon.Add(2 * time.Minute), Size: 0},
		{Key: "b/1", Modified: backuptest.Noon.Add(time.Hour), Size: 10},
	})
	b := backuptest.Bucket(t, s, "", "{backup}/*")
	b.Source.Marker = "DONE"
	g := listReal(t, b).only(t, metric.KindFull)
	if g.Retained != 1 || g.Newest.ID != "a" || g.Newest.Size != 30 || g.LastFailure.IsZero() {
		t.Errorf("%+v", g)
	}
}

func TestS3MarkerBesideEachObject(t *testing.T) {
	s := s3test.New("backups", "AKIATEST", []s3test.Object{
		{Key: "x/acme/1.dump", Modified: backuptest.Noon, Size: 1},
		{Key: "x/acme/1.dump.done", Modified: backuptest.Noon, Size: 0},
		{Key: "x/acme/2.dump", Modified: backuptest.Noon.Add(time.Hour), Size: 1},
	})
	b := backuptest.Bucket(t, s, "x/", "{tenant}/*.dump")
	b.Source.Marker = "{name}.done"
	if g := listReal(t, b).only(t, metric.KindFull); g.Retained != 1 || g.Newest.ID != "acme/1.dump" ||
		!g.LastFailure.Equal(backuptest.Noon.Add(time.Hour)) {
		t.Errorf("%+v", g)
	}
}

// Two tenants may name their backups alike.
func TestS3BundlesOfTenants(t *testing.T) {
	s := s3test.New("backups", "AKIATEST", []s3test.Object{
		{Key: "acme/monday/a", Modified: backuptest.Noon, Size: 1}, {
			Key: "acme/monday/b", Modified: backuptest.Noon,
			Size: 2,
		}, {Key: "initech/monday/a", Modified: backuptest.Noon, Size: 4},
	})
	got := listReal(t, backuptest.Bucket(t, s, "", "{tenant}/{backup}/*"))
	if g := got.only(t, metric.KindFull); g.Retained != 2 || len(got.Tenants) != 2 ||
		len(got.Seen[DefaultRepository]) != 2 {
		t.Errorf("%+v of %v", g, got.Tenants)
	}
}

// Every page is asked for, in order, and none is kept.
func TestS3ManyPages(t *testing.T) {
	const n = 25_500
	s := s3test.NewFunc("backups", "AKIATEST", n, func(i int) s3test.Object {
		return s3test.Object{
			Key: fmt.Sprintf("wal/%08d", i), Modified: backuptest.Noon.Add(time.Duration(i) * time.Second),
			Size: 1,
		}
	})
	b := backuptest.Bucket(t, s, "wal/", "*")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	g := listReal(t, b).only(t, metric.KindFull)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if g.Retained != n || g.Newest.ID != fmt.Sprintf("%08d", n-1) || s.Pages.Load() != 26 {
		t.Errorf("%+v after %d pages", g, s.Pages.Load())
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d bytes are kept", grown)
	}
}

// A 200 may carry anything.
func TestS3BadAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		broken http.HandlerFunc
		edit   func(b *config.Backup)
		reason string
	}{
		"200 with half a document": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<?xml version="1.0"?><ListBucketResult><Contents><Key>db/x.dump</Key>`)
		}, nil, metric.ListingMalformed},
		"200 with something else": {
			func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ok":true}`) }, nil,
			metric.ListingMalformed,
		},
		"wrong key": {nil, func(
			b *config.Backup,
		) {
			b.Source.Secrets["access_key"] = &config.SecretRef{Env: "HOME"}
		}, metric.ListingAuth},
		"no bucket": {nil, func(b *config.Backup) { b.Source.Repository = "nowhere" }, metric.ListingMissing},
		"no server": {
			nil, func(b *config.Backup) { b.Source.Endpoint = "http://127.0.0.1:1" },
			metric.ListingNetwork,
		},
		"an endless answer": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<?xml version="1.0"?><ListBucketResult>`)
			for range 20 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := s3test.New("backups", "AKIATEST", []s3test.Object{{Key: "db/x.dump", Modified: backuptest.Noon, Size: 1}})
			s.Broken = c.broken
			b := backuptest.Bucket(t, s, "db/", "*.dump")
			if c.edit != nil {
				c.edit(b)
			}
			q, err := NewQuery(b)
			if err != nil {
				t.Fatal(err)
			}
			_, err = q.List(t.Context(), nil)
			if err == nil || c.reason != "" && Reason(err) != c.reason || strings.Contains(err.Error(), "very secret") {
				t.Errorf("%v is %s", err, Reason(err))
			}
		})
	}
}

// Directory buckets list in no order.
func TestS3KeysInNoOrder(t *testing.T) {
	objects := []s3test.Object{
		{Key: "c.dump", Modified: backuptest.Noon.Add(-time.Hour), Size: 1},
		{Key: "a.dump", Modified: backuptest.Noon, Size: 3},
		{Key: "b.dump", Modified: backuptest.Noon.Add(-2 * time.Hour), Size: 2},
	}
	s := s3test.NewFunc("backups", "AKIATEST", len(objects), func(i int) s3test.Object { return objects[i] })
	defer s.Close()
	g := listReal(t, backuptest.Bucket(t, s, "", "*.dump")).only(t, metric.KindFull)
	if g.Retained != 3 || g.Newest.ID != "a.dump" || !g.Newest.Stop.Equal(backuptest.Noon) ||
		!g.Oldest.Equal(backuptest.Noon.Add(-2*time.Hour)) {
		t.Errorf("%+v", g)
	}
}
