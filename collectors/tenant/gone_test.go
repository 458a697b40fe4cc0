package tenant

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The state directory is removed while posts arrive. None is acknowledged that a restart after a kill would not know,
// and the metrics say that nothing is saved for as long as that is so.
func TestRemovedStateRefusesPostsUntilItIsSavedAnew(t *testing.T) {
	storage := filepath.Join(t.TempDir(), "state")
	o := newTestCollector(t, receivingPolicy, storage)
	id := 0
	post := func() int {
		t.Helper()
		id++
		return o.post("json",
			fmt.Sprintf(`{"h":"acme.example.com","s":200,"i":"%d"}`, id), "Authorization", secret).StatusCode
	}
	unsaved := func(want string) {
		t.Helper()
		text := "# HELP thorbis_state_unsaved 1 while a collector cannot save, because the disk hangs, " +
			"is full or was emptied: counters of checks go on, and a restart begins them at 0; those of tenants stand still.\n" +
			"# TYPE thorbis_state_unsaved gauge\nthorbis_state_unsaved{collector=\"tenant\"} " + want + "\n"
		testkit.Eventually(t, func() bool {
			return testutil.CollectAndCompare(o.c, strings.NewReader(text), "thorbis_state_unsaved") == nil
		}, "thorbis_state_unsaved %s", want)
	}
	accepted := 0
	for range 3 {
		if code := post(); code != http.StatusOK {
			t.Fatal(code)
		}
		accepted++
	}
	unsaved("0")
	removed := 0
	testkit.Eventually(t, func() bool { // unless the exporter has made the directory anew between the two
		removed++
		if err := os.Rename(storage, fmt.Sprint(storage, ".removed", removed)); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(storage, os.O_CREATE|os.O_EXCL, 0o600)
		return err == nil && f.Close() == nil
	}, "a file is in the place of the directory")
	unsaved("1")
	for range 3 {
		if code := post(); code != http.StatusServiceUnavailable {
			t.Errorf("without a state directory: %d", code)
		}
	}
	if err := os.Remove(storage); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool { return post() == http.StatusOK }, "a post to be accepted")
	accepted++
	unsaved("0")
	o.wants(4 * uint64(accepted))
	copied := filepath.Join(t.TempDir(), "copy") // what a kill would leave
	if err := os.CopyFS(copied, os.DirFS(storage)); err != nil {
		t.Fatal(err)
	}
	newTestCollector(t, receivingPolicy, copied).wants(4 * uint64(accepted))
}
