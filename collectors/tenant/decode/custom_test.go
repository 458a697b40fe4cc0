package decode

import "testing"

// docs/tenants.md lists how the program reports a request that was aborted.
func TestJSONAborted(t *testing.T) {
	testStatuses(t, "json", map[string]statusCase{
		`{"status":499}`:  {Counted, 499},
		`{"status":null}`: {Counted, 0},
		`{"status":-1}`:   {Counted, 0},
	})
}

func TestFieldsOfThePolicy(t *testing.T) {
	d, err := New(Options{Format: "json", DurationUnit: "ms", Fields: map[string]string{
		"host": "req.host", "status": "code", "duration": "took", "tenant": "org.id", "bytes": "n", "time": "at", "id": "rid",
	}})
	if err != nil {
		t.Fatal(err)
	}
	var e Event
	v := d.Decode([]byte(`{"req":{"host":"h"},"code":201,"took":"1.5","org":{"id":42},"n":3,"at":1790000000,"rid":"x"}`),
		&e)
	if got := plainEvent(&e); v != Counted || got != (event{
		host: "h", tenant: "42", id: "x", status: 201, duration: 3 * milli / 2, bytes: 3, time: 1790000000 * second,
	}) {
		t.Errorf("%d %+v", v, got)
	}
	// A key may have the dot itself.
	if d.Decode([]byte(`{"req.host":"dotted","code":200}`), &e); string(e.Host) != "dotted" {
		t.Errorf("host %q", e.Host)
	}
}
