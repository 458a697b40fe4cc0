package health

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// What is saved is what the encoder writes of all targets at once, whatever they are called.
func TestDocumentIsEncodedAsAWhole(t *testing.T) {
	t.Parallel()
	now := time.Now()
	d := document{Session: 7, Taken: now, Until: now, References: map[string]time.Time{`"targets":[]`: now}}
	for _, n := range []int{0, 1, encodedAtOnce, encodedAtOnce + 1, 3 * encodedAtOnce} {
		d.Targets = []entry{}
		for i := range n {
			d.Targets = append(d.Targets, entry{
				fmt.Sprint("check", i), `"targets":[],`, saved{
					totals: totals{Observed: time.Duration(i)}, AppService: "web",
					Created: now,
				},
			})
		}
		want, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.encode(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d targets: %v\n%s\n%s", n, err, got, want)
		}
	}
}
