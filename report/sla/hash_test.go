package sla

import (
	"reflect"
	"testing"
	"time"
)

// The hash depends on every field of what was read: a field that is added later must be in it.
func TestHashHasEveryField(t *testing.T) {
	seen := map[string]string{}
	check := func(name string, target Target) {
		t.Helper()
		hash := hashOf("", []Target{target})
		if other, ok := seen[hash]; ok {
			t.Errorf("%s has the hash of %s", name, other)
		}
		seen[hash] = name
	}
	example := func() Target { return Target{Days: make([]DaySeconds, 1), Outages: make([]Seen, 1)} }
	check("nothing", Target{})
	check("empty rows", example())
	change := func(v reflect.Value) {
		switch v.Interface().(type) {
		case string:
			v.SetString("x")
		case time.Duration, int64:
			v.SetInt(1)
		case uint64:
			v.SetUint(1)
		case time.Time:
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
		default:
			t.Errorf("a field is a %s", v.Type())
		}
	}
	for _, rows := range []string{"", "Days", "Outages"} {
		target := example()
		of := func() reflect.Value {
			v := reflect.ValueOf(&target).Elem()
			if rows != "" {
				v = v.FieldByName(rows).Index(0)
			}
			return v
		}
		for i := range of().NumField() {
			target = example()
			if of().Field(i).Kind() == reflect.Slice {
				continue
			}
			change(of().Field(i))
			check(rows+"."+of().Type().Field(i).Name, target)
		}
	}
}
