package amconfig

import (
	"errors"
	"testing"
)

func TestLoadEndsOnNothing(t *testing.T) {
	if _, err := Load(
		[]byte("route:\n    receiver: x\n    routes:\n    -\nreceivers: [{name: x}]"),
	); !errors.Is(err, errEmptyEntry) {
		t.Error(err)
	}
	if _, err := Load([]byte("route: {receiver: x}\nreceivers: [{name: x}]\n")); err != nil {
		t.Error(err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("route:\n    receiver: x\n    routes:\n    -"))
	f.Add([]byte("route: {receiver: x}\nreceivers:\n- {name: x}\n-\ninhibit_rules:\n-\ntime_intervals:\n-\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := Load(text); (c == nil) == (err == nil) {
			t.Errorf("%v, %v", c, err)
		}
	})
}
