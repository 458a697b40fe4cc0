package health

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
)

// document is a snapshot as it is written.
type document struct {
	Session uint64    `json:"session"`
	Taken   time.Time `json:"taken"`
	// Until is when counters that are not in the snapshot may be shown; zero if they may be already.
	Until   time.Time `json:"until,omitzero"`
	Final   bool      `json:"final,omitzero"` // nothing was shown after it
	Targets []entry   `json:"targets"`
	// References are the reference targets that could be relied on, and when each last answered.
	References map[string]time.Time `json:"references,omitempty"`
	// Ended is what is over and not archived yet.
	Ended []ended `json:"ended,omitempty"`
}

// trusted reports whether a scrape can have shown no more than the document holds. before is the session that held
// the directory last.
func (d document) trusted(before uint64, now time.Time) bool {
	return d.Final && d.Session == before || !now.Before(d.Taken) && now.Before(d.Until)
}

// encodedAtOnce is how many targets the encoder, which doubles its memory as it goes, writes at a time; entryBytes is
// about what one takes.
const (
	encodedAtOnce = 100
	entryBytes    = 350
)

// encode writes the document as json.Marshal does. With thousands of targets, every second, that would take three times
// as much.
func (d document) encode() ([]byte, error) {
	targets := d.Targets
	d.Targets = []entry{}
	frame, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	place := bytes.Index(frame, []byte(`"targets":[]`)) + len(`"targets":[`) // numbers and times stand before it
	out := append(make([]byte, 0, len(frame)+entryBytes*len(targets)), frame[:place]...)
	for some := range slices.Chunk(targets, encodedAtOnce) {
		list, err := json.Marshal(some)
		if err != nil {
			return nil, err
		}
		out = append(append(out, list[1:len(list)-1]...), ',')
	}
	return append(bytes.TrimSuffix(out, []byte(",")), frame[place:]...), nil
}

// entry is a saved target as it is written.
type entry struct {
	Check  string `json:"check"`
	Tenant string `json:"tenant,omitempty"`
	saved
}
