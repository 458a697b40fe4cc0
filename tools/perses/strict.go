package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// strict decodes JSON into a value, which checks what its type checks, and refuses fields that the type lacks. The
// types of Perses decode themselves, and a strict decoder does not look into those.
func strict(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return err
	}
	var raw any
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	var errs []error
	for _, path := range unknown(reflect.ValueOf(into), raw, "") {
		errs = append(errs, fmt.Errorf("unknown field %s", strings.TrimPrefix(path, ".")))
	}
	return errors.Join(errs...)
}

// unknown returns the paths of fields that were read and that the value's type does not have.
func unknown(v reflect.Value, raw any, path string) []string {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	var paths []string
	switch raw := raw.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(raw)) {
			at := path + "." + key
			switch v.Kind() {
			case reflect.Struct:
				f, ok := fieldNamed(v, key)
				if !ok {
					paths = append(paths, at)
					continue
				}
				paths = append(paths, unknown(f, raw[key], at)...)
			case reflect.Map:
				paths = append(paths, unknown(v.MapIndex(reflect.ValueOf(key)), raw[key], at)...)
			}
		}
	case []any:
		if v.Kind() != reflect.Slice {
			return nil
		}
		for i := range raw {
			paths = append(paths, unknown(v.Index(i), raw[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return paths
}

// fieldNamed returns the field of a struct that JSON calls by a name, also of embedded structs.
func fieldNamed(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct {
			if found, ok := fieldNamed(v.Field(i), name); ok {
				return found, true
			}
			continue
		}
		if tag == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}
