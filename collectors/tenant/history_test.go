package tenant

import (
	"cmp"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// random is for one goroutine of a test.
func (k *killed) random(of string) *rand.Rand {
	var h uint64
	for _, c := range of {
		h = h*31 + uint64(c)
	}
	return rand.New(rand.NewPCG(k.seed, h))
}

// maxHistory bounds the events that are kept of a file.
const maxHistory = 4000

// note takes note of what happened to a file, or to the process if it has no name.
func (k *killed) note(file, format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := append(k.history[file], fmt.Sprintf("%8.3f %s", time.Since(k.began).Seconds(), fmt.Sprintf(format, args...)))
	k.history[file] = all[max(0, len(all)-maxHistory):]
}

// explain logs what led to a failure: each file's history, the files there are and the positions that were saved.
func (k *killed) explain() {
	k.t.Helper()
	_ = filepath.WalkDir(k.dir, func(path string, d fs.DirEntry, _ error) error {
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			k.t.Logf("%s: %d bytes, modified %.3f s after the start", path, info.Size(), info.ModTime().Sub(k.began).Seconds())
		}
		return nil
	})
	k.positions()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(k.history)) {
		for _, event := range k.history[name] {
			k.t.Logf("%s: %s", cmp.Or(name, "process"), event)
		}
	}
}

func (k *killed) positions() {
	sd, err := state.Open(k.path("data"))
	if err != nil {
		k.t.Log(err)
		return
	}
	defer sd.Close()
	st, err := store.Open(store.Options{Logger: slog.New(slog.DiscardHandler), State: sd})
	if err != nil {
		k.t.Log(err)
		return
	}
	defer st.Close()
	for number := range 16 {
		for _, f := range st.Files(number) {
			k.t.Logf("source %d: %+v", number, f)
		}
	}
}
