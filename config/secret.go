package config

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/internal/regularfile"
	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// SecretRef names where a secret is, never the secret.
type SecretRef struct {
	File string `yaml:"file"`
	Env  string `yaml:"env"`
}

// Read returns the secret as it is now, as package secret reads it.
func (r *SecretRef) Read(ctx context.Context) (string, error) {
	return secret.Ref{File: r.File, Env: r.Env}.Read(ctx)
}

// Line is Read for a secret of one line, such as a header's value.
func (r *SecretRef) Line(ctx context.Context) (string, error) {
	return secret.Ref{File: r.File, Env: r.Env}.Line(ctx)
}

// Who reads a secret: the values of the struct tag "secret", which every key that names one carries.
const (
	readerExporter     = "exporter"
	readerAlertmanager = "alertmanager"
)

// Secret is a place in the policy that names a secret.
type Secret struct {
	Path string // of the key, such as databases[0].dsn_file
	Ref  secret.Ref
	// Exporter reports whether the exporter reads it. The others belong to Alertmanager, perhaps on another machine.
	Exporter bool
}

// Secrets lists every secret that the policy names.
func (p *Policy) Secrets() []Secret {
	var all []Secret
	p.walkSecrets(func(path, reader string, file, env *string) {
		s := Secret{Path: path, Exporter: reader == readerExporter}
		if file != nil {
			s.Ref.File = *file
		}
		if env != nil {
			s.Ref.Env = *env
		}
		if s.Ref != (secret.Ref{}) {
			all = append(all, s)
		}
	})
	return all
}

// LearnSecrets reads every secret that the exporter uses, so that none is shown before it is used. Those that cannot be
// read are reported by whoever needs them.
func (p *Policy) LearnSecrets(ctx context.Context) {
	for _, s := range p.Secrets() {
		if s.Exporter {
			_, _ = s.Ref.Read(ctx)
		}
	}
	secret.Know(p.moduleSecrets()...)
	learnPasswords(p.Platform)
	for _, s := range sections {
		walkStrings(s.value(p), learnPasswords)
	}
}

func learnPasswords(text string) {
	for _, m := range userinfoRE.FindAllStringSubmatch(text, -1) {
		secret.Know(m[1])
		if password, err := url.PathUnescape(m[1]); err == nil {
			secret.Know(password)
		}
	}
}

// MaskPasswords masks the passwords of the addresses in a text that is to be shown.
func MaskPasswords(text string) string {
	for _, m := range slices.Backward(userinfoRE.FindAllStringSubmatchIndex(text, -1)) {
		text = text[:m[2]] + secret.Masked + text[m[3]:]
	}
	return text
}

// userinfoRE finds the password in an address, which belongs into a file but may stand in the policy.
var userinfoRE = regexp.MustCompile(`://[^/?#@:\s]*:([^/?#@\s]+)@`)

func walkStrings(v reflect.Value, f func(string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walkStrings(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkStrings(v.Index(i), f)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			walkStrings(v.MapIndex(key), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walkStrings(v.Field(i), f)
			}
		}
	case reflect.String:
		f(v.String())
	}
}

// SecretKeys lists the keys under which a policy can name a secret that the exporter reads, with [] for the items of a
// list and * for the names of a map.
func SecretKeys() []string {
	var keys []string
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		switch t.Kind() {
		case reflect.Pointer:
			walk(t.Elem(), path)
		case reflect.Slice:
			walk(t.Elem(), path+"[]")
		case reflect.Map:
			walk(t.Elem(), join(path, "*"))
		case reflect.Struct:
			if t == secretRefType {
				keys = append(keys, path)
				return
			}
			for field := range t.Fields() {
				key := field.Tag.Get("yaml")
				reader, ok := field.Tag.Lookup("secret")
				switch {
				case !field.IsExported() || key == "" || key == "-":
				case !ok:
					walk(field.Type, join(path, key))
				case reader == readerExporter:
					keys = append(keys, join(path, key))
				}
			}
		}
	}
	for _, s := range sections {
		walk(s.valueType(), s.name())
	}
	return keys
}

var secretRefType = reflect.TypeFor[SecretRef]()

// walkSecrets calls f for every key of a policy that can name a secret: fields with the tag, and references.
func (p *Policy) walkSecrets(f func(path, reader string, file, env *string)) {
	for _, s := range sections {
		walkSecrets(s.value(p), s.name(), f)
	}
}

func walkSecrets(v reflect.Value, path string, f func(path, reader string, file, env *string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walkSecrets(v.Elem(), path, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkSecrets(v.Index(i), fmt.Sprintf("%s[%d]", path, i), f)
		}
	case reflect.Map:
		if v.Type().Elem().Kind() != reflect.Pointer {
			return // values of maps cannot be changed, and none of these holds a secret
		}
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			walkSecrets(v.MapIndex(key), join(path, key.String()), f)
		}
	case reflect.Struct:
		if v.Type() == secretRefType {
			ref := v.Addr().Interface().(*SecretRef)
			f(path, readerExporter, &ref.File, &ref.Env)
			return
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			key := field.Tag.Get("yaml")
			reader, ok := field.Tag.Lookup("secret")
			switch {
			case !field.IsExported() || key == "" || key == "-":
			case ok && strings.HasSuffix(key, "_env"):
				f(join(path, key), reader, nil, v.Field(i).Addr().Interface().(*string))
			case ok:
				f(join(path, key), reader, v.Field(i).Addr().Interface().(*string), nil)
			default:
				walkSecrets(v.Field(i), join(path, key), f)
			}
		}
	}
}

// resolveSecrets resolves the files that the exporter reads. Those of channels belong to Alertmanager.
func (v *validator) resolveSecrets() {
	v.policy.walkSecrets(func(path, reader string, file, _ *string) {
		if reader == readerExporter && file != nil && *file != "" {
			*file = v.resolve(path, *file)
		}
	})
}

// secretWarnings warns of secrets that are missing: Alertmanager itself reports one only at the first page. The value
// is not quoted, because it may be the secret itself.
func (v *validator) secretWarnings() {
	for _, s := range v.policy.Secrets() {
		switch {
		case strings.Contains(s.Ref.File, "://"):
			v.failAt(s.Path, "write the name of a file that holds the secret, not the secret itself")
		case s.Ref.File != "":
			if _, err := regularfile.Stat(v.ctx, v.resolve(s.Path, s.Ref.File)); err != nil {
				v.warn(s.Path, "the secret file cannot be read on this machine")
			}
		case os.Getenv(s.Ref.Env) == "":
			v.warn(s.Path, "the environment variable %s is not set here", s.Ref.Env)
		}
	}
}
