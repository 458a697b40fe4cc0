package config

import (
	"net/url"
	"reflect"
	"regexp"

	promconfig "github.com/prometheus/common/config"
)

// secretHeaderRE is what headers are called whose values are secrets.
var secretHeaderRE = regexp.MustCompile(`(?i)auth|cookie|key|password|secret|token`)

var (
	moduleSecretType = reflect.TypeFor[promconfig.Secret]()
	urlType          = reflect.TypeFor[url.URL]()
)

// moduleSecrets are the secrets that are written in modules of the blackbox_exporter's grammar: passwords and tokens of
// its HTTP client, headers that are called like one, and passwords in addresses of proxies.
func (p *Policy) moduleSecrets() []string {
	var all []string
	for _, name := range sortedKeys(p.modules) {
		walkModule(reflect.ValueOf(p.modules[name]), 0, func(value string) { all = append(all, value) })
	}
	return all
}

// maxModuleDepth bounds the walk; the deepest secret lies eight levels down.
const maxModuleDepth = 20

func walkModule(v reflect.Value, depth int, f func(string)) {
	if depth > maxModuleDepth {
		return
	}
	switch {
	case v.Type() == moduleSecretType:
		f(v.String())
		return
	case v.Type() == urlType && v.CanInterface():
		u := v.Interface().(url.URL)
		if password, ok := u.User.Password(); ok {
			f(password)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walkModule(v.Elem(), depth+1, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkModule(v.Index(i), depth+1, f)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			value := v.MapIndex(key)
			if key.Kind() == reflect.String && value.Kind() == reflect.String && secretHeaderRE.MatchString(key.String()) {
				f(value.String())
				continue
			}
			walkModule(value, depth+1, f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walkModule(v.Field(i), depth+1, f)
			}
		}
	}
}
