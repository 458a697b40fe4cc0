package tenant

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// A post is acknowledged only after its content is on disk: the kernel confirms the sync of the log between the write
// of the record and the answer. strace records all three calls.
func TestAcknowledgedIsOnTheDisk(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed; make setup installs it")
	}
	if out, err := exec.Command(strace, "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("strace is not permitted: %v: %s", err, out)
	}
	k := newKilled(t, "")
	k.program = []string{
		strace, "-D", "-f", "-y", "-qq", "-xx", "-s", "65536", "-e", "trace=write,pwrite64,fdatasync", "-o", k.path("trace"),
		os.Args[0],
	}
	cmd := k.start(false)
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	testkit.Eventually(t, k.scrape, "the program")
	const posts = 20
	k.post(t.Context(), "r", 1, posts) // every other one twice
	var calls []string
	testkit.Eventually(t, func() bool {
		text, err := os.ReadFile(k.path("trace"))
		calls = strings.Split(string(text), "\n")
		return err == nil && strings.Count(string(text), hexed("HTTP/1.1 200 OK")) > posts+posts/2 // the scrape was one, too
	}, "the last answer in the trace")
	for n := range posts {
		// The receiver logs the hash of each id, which identifies the record.
		id := binary.LittleEndian.AppendUint64(nil, xxhash.Sum64String(fmt.Sprintf("r-%d-0", n))|1)
		record := slices.IndexFunc(calls, func(c string) bool {
			return strings.Contains(c, "pwrite64(") && strings.Contains(c, hexed(".log")+">") &&
				strings.Contains(c, hexed(string(id)))
		})
		if record < 0 {
			t.Fatalf("post %d: its record was never written", n)
		}
		answer := record + slices.IndexFunc(calls[record:],
			func(c string) bool { return strings.Contains(c, hexed("HTTP/1.1 200 OK")) })
		if !synced(calls[record:answer]) {
			t.Errorf("post %d was acknowledged before it was on the disk:\n%s", n, strings.Join(calls[record:answer+1], "\n"))
		}
	}
}

// synced reports whether the log was synchronised in calls that begin with a write to it.
func synced(calls []string) bool {
	for i, c := range calls {
		if !strings.Contains(c, "fdatasync(") || !strings.Contains(c, hexed(".log")+">") {
			continue
		}
		if !strings.Contains(c, "unfinished") {
			return strings.HasSuffix(c, "= 0")
		}
		thread, _, _ := strings.Cut(c, " ")
		return slices.ContainsFunc(calls[i:], func(c string) bool {
			return strings.HasPrefix(c, thread+" ") && strings.Contains(c, "fdatasync resumed") && strings.HasSuffix(c, "= 0")
		})
	}
	return false
}

// hexed is a text as strace -xx prints it.
func hexed(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, `\x%02x`, text[i])
	}
	return b.String()
}
