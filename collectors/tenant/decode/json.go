package decode

// kind is what stands under a key.
type kind uint8

const (
	absent kind = iota // no such key, or null
	text               // content of a string, unquoted
	number             // as written
	other              // true, false, an array or an object, as written
)

// values are the known values of one record.
type values struct {
	kinds [fields]kind
	raw   [fields][]byte
}

// str returns a string's content, nil for anything else.
func (v *values) str(f field) []byte {
	if v.kinds[f] == text {
		return v.raw[f]
	}
	return nil
}

// keys tells the fields from the keys of one object.
type keys struct {
	heads [64]*key
	all   []field // every field below, for a key that is given twice
}

type key struct {
	name  string
	field field
	child *keys // of an object that leads to fields
	next  *key
}

func hash(k []byte) uint32 {
	n := uint32(len(k))
	return (n*31 + uint32(k[0])*7 + uint32(k[n-1])*3 + uint32(k[n/2])*5) & 63
}

func (t *keys) find(k []byte) *key {
	if len(k) == 0 {
		return nil
	}
	e := t.heads[hash(k)]
	for e != nil && e.name != string(k) {
		e = e.next
	}
	return e
}

func (t *keys) entry(name string) *key {
	if e := t.find([]byte(name)); e != nil {
		return e
	}
	h := hash([]byte(name))
	e := &key{name: name, field: none, next: t.heads[h]}
	t.heads[h] = e
	return e
}

// add makes a path of keys lead to a field.
func (t *keys) add(f field, path ...string) {
	t.all = append(t.all, f)
	e := t.entry(path[0])
	if len(path) == 1 {
		e.field = f
		return
	}
	if e.child == nil {
		e.child = &keys{}
	}
	e.child.add(f, path[1:]...)
}

// JSON decodes records that are JSON objects.
type JSON struct {
	keys    *keys
	finish  func(*JSON, *Event) Verdict
	unit    unit
	v       values
	path    bool
	scratch []byte
	clock   clock

	// shape is how the record before began each of its keys, in order. Most records of a log look alike, and
	// comparing is cheaper than parsing; the bytes being equal, so is what they mean.
	shape []expected
	at    int // in shape
}

// expected is a key with its quotes and its colon, as it stood in an object of t.
type expected struct {
	raw []byte
	in  *keys
	key *key
}

// maxShape bounds the keys of a record that are remembered.
const maxShape = 64

// Decode implements Decoder.
func (d *JSON) Decode(b []byte, e *Event) Verdict {
	end, verdict := d.Next(b, 0, e)
	if end < 0 || skipSpace(b, end) != len(b) {
		return Syntax
	}
	return verdict
}

// Next decodes the object at i, space before it skipped, and returns the index after it, -1 if it is no
// valid object.
func (d *JSON) Next(b []byte, i int, e *Event) (int, Verdict) {
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != '{' {
		return -1, Syntax
	}
	d.v.kinds = [fields]kind{}
	d.scratch, d.at = d.scratch[:0], 0
	if i = d.object(b, i+1, d.keys, 1); i < 0 {
		return -1, Syntax
	}
	*e = Event{Duration: -1}
	return i, d.finish(d, e)
}

func (d *JSON) object(b []byte, i int, t *keys, depth int) int {
	i = skipSpace(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		var e *key
		if e, i = d.key(b, i, t); i < 0 {
			return -1
		}
		if i < len(b) && b[i] <= ' ' {
			i = skipSpace(b, i)
		}
		if e != nil {
			i = d.known(b, i, e, depth)
		} else {
			i = skipValue(b, i, depth)
		}
		if i < 0 {
			return -1
		}
		if i < len(b) && b[i] != ',' {
			i = skipSpace(b, i)
		}
		if i >= len(b) {
			return -1
		}
		if b[i] == '}' {
			return i + 1
		}
		if b[i] != ',' {
			return -1
		}
		if i++; i < len(b) && b[i] <= ' ' {
			i = skipSpace(b, i)
		}
	}
}

// key reads a key and its colon, and returns what it leads to and the index after it.
func (d *JSON) key(b []byte, i int, t *keys) (*key, int) {
	at := d.at
	d.at++
	if at < len(d.shape) {
		s := &d.shape[at]
		if end := i + len(s.raw); end <= len(b) && s.in == t && string(b[i:end]) == string(s.raw) {
			return s.key, end
		}
	}
	start := i
	if i >= len(b) || b[i] != '"' {
		return nil, -1
	}
	end, kind := scanString(b, i+1)
	if end < 0 {
		return nil, -1
	}
	name := b[i+1 : end]
	if kind != plain {
		name = d.unquoted(name)
	}
	i = skipSpace(b, end+1)
	if i >= len(b) || b[i] != ':' {
		return nil, -1
	}
	i++
	e := t.find(name)
	if at < maxShape && i-start <= maxKey {
		if at == len(d.shape) {
			d.shape = append(d.shape, expected{})
		}
		if at < len(d.shape) {
			s := &d.shape[at]
			s.raw, s.in, s.key = append(s.raw[:0], b[start:i]...), t, e
		}
	}
	return e, i
}

// maxKey is the longest key that is remembered.
const maxKey = 128

// known reads the value of a key that leads to a field.
func (d *JSON) known(b []byte, i int, e *key, depth int) int {
	if i >= len(b) {
		return -1
	}
	if e.child != nil {
		for _, f := range e.child.all {
			d.v.kinds[f] = absent
		}
		if b[i] == '{' {
			d.v.kinds[e.field] = other
			return d.object(b, i+1, e.child, depth+1)
		}
	}
	f := e.field
	switch c := b[i]; {
	case c == '"':
		end, kind := scanString(b, i+1)
		if end < 0 {
			return -1
		}
		d.v.kinds[f], d.v.raw[f] = text, b[i+1:end]
		if kind != plain {
			d.v.raw[f] = d.unquoted(b[i+1 : end])
		}
		return end + 1
	case c == '-' || c-'0' <= 9:
		end := scanNumber(b, i)
		if end < 0 {
			return -1
		}
		d.v.kinds[f], d.v.raw[f] = number, b[i:end]
		return end
	default:
		end := skipValue(b, i, depth)
		if end < 0 {
			return -1
		}
		d.v.kinds[f], d.v.raw[f] = other, b[i:end]
		if c == 'n' {
			d.v.kinds[f] = absent
		}
		return end
	}
}

func (d *JSON) unquoted(s []byte) []byte {
	start := len(d.scratch)
	d.scratch = unquote(d.scratch, s)
	return d.scratch[start:len(d.scratch):len(d.scratch)]
}
