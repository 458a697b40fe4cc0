package decode

import (
	"bytes"
	"encoding/binary"
)

// kind is what stands under a key.
type kind uint8

const (
	absent kind = iota // no such key
	null
	text   // content of a string, unquoted
	number // as written
	other  // true, false, an array or an object, as written
)

// values are the known values of one record.
type values struct {
	kinds [fields]kind
	raw   [fields][]byte
	nums  [fields]decimal // of numbers
}

// str returns a string's content, nil for anything else.
func (v *values) str(f field) []byte {
	if v.kinds[f] == text {
		return v.raw[f]
	}
	return nil
}

// missing reports whether there is no such key, or null.
func (v *values) missing(f field) bool { return v.kinds[f] <= null }

// unset reports whether there is a key without a value: null, or - as Envoy and nginx have it.
func (v *values) unset(f field) bool {
	return v.kinds[f] == null || v.kinds[f] == text && string(v.raw[f]) == "-"
}

// name returns what names something: a string's content, or a number without the zeros with which floats are written
// (42.0).
func (v *values) name(f field) []byte {
	if v.kinds[f] == number {
		return integer(v.raw[f])
	}
	return v.str(f)
}

func integer(number []byte) []byte {
	if end := bytes.IndexByte(number, '.'); end >= 0 && len(bytes.Trim(number[end+1:], "0")) == 0 {
		return number[:end]
	}
	return number
}

// minusOne reports whether there is the number -1.
func (v *values) minusOne(f field) bool {
	n := v.name(f)
	return len(n) >= 2 && n[0] == '-' && n[1] == '1' && (len(n) == 2 || string(n) == "-1.0")
}

// decimal returns a number, if it is one that was understood when it was found.
func (v *values) decimal(f field) (decimal, bool) {
	if v.kinds[f] != number {
		return decimal{}, false
	}
	n := v.nums[f]
	return n, n.whole > 0
}

// keys finds the field that belongs to a key of one object.
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
	format  *format
	unit    unit
	v       values
	path    bool
	probes  prover
	scratch []byte
	marks   marks
	bare    []byte // a record whose bare values have got quotes
	clock   clock
	notice  notices

	// shape is how the record before led to each of its values, in order. Most records of a log look alike, and
	// comparing is cheaper than parsing; the bytes being equal, so is what they mean.
	shape []expected
	at    int // in shape
}

// expected is what stood between two values of an object of t, or before its first one: comma, key and colon.
type expected struct {
	words, masks [4]uint64 // of the first bytes of raw
	raw          []byte
	in           *keys
	key          *key
	first        bool
}

// learn takes what led to a value.
func (s *expected) learn(raw []byte, in *keys, k *key, first bool) {
	s.raw, s.in, s.key, s.first = append(s.raw[:0], raw...), in, k, first
	var text, mask [32]byte
	for i := range mask[:copy(text[:], raw)] {
		mask[i] = 0xff
	}
	for i := range s.words {
		s.words[i], s.masks[i] = binary.LittleEndian.Uint64(text[8*i:]), binary.LittleEndian.Uint64(mask[8*i:])
	}
}

const (
	maxShape = 64  // keys of a record that are remembered
	maxKey   = 128 // the longest one
)

// Decode implements Decoder.
func (d *JSON) Decode(b []byte, e *Event) Outcome {
	end, outcome := d.next(b, 0, e)
	if end < 0 || end < len(b) && skipSpace(b, end) != len(b) {
		outcome = Syntax
		if end >= 0 || len(b) > 0 && b[0] == '{' { // more than an object, or less
			return outcome
		}
	}
	if outcome.Rejected() && (d.isNotice(b) || d.format.notice != nil && d.format.notice(b)) {
		return NoRequest
	}
	return outcome
}

// Next decodes the object at i, space before it skipped, and returns the index after it, -1 if it is no
// valid object.
func (d *JSON) Next(b []byte, i int, e *Event) (int, Outcome) {
	end, outcome := d.next(b, i, e)
	if outcome == NoStatus && d.isNotice(b[skipSpace(b, i):end]) {
		return end, NoRequest
	}
	return end, outcome
}

func (d *JSON) next(b []byte, i int, e *Event) (int, Outcome) {
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != '{' {
		return -1, Syntax
	}
	if end := d.record(b, i); end >= 0 {
		return end, d.event(e)
	}
	bare, end, ok := quoteBare(d.bare[:0], b, i)
	d.bare = bare
	if !ok || d.record(bare, 0) != len(bare) {
		return -1, Syntax
	}
	return end, d.event(e)
}

// event makes an event of the values of a record.
func (d *JSON) event(e *Event) Outcome {
	*e = Event{Duration: -1}
	outcome := d.format.read(d, e)
	if e.Status == 0 && outcome == Counted && d.format.aborted != nil {
		outcome = d.format.aborted(&d.v, e)
	}
	return outcome
}

// record reads the values of the object at i, and returns the index after it, -1 if it is not valid.
func (d *JSON) record(b []byte, i int) int {
	d.v.kinds = [fields]kind{}
	d.scratch, d.at = d.scratch[:0], 0
	d.marks.restart(b, i)
	return d.object(b, i+1, d.keys, 1)
}

// object reads the members of an object that leads to fields, and its end.
func (d *JSON) object(b []byte, i int, t *keys, depth int) int {
	for first := true; ; first = false {
		var e *key
		if s := d.expected(b, i, t, first); s != nil {
			e, i = s.key, i+len(s.raw)
		} else {
			var more bool
			if e, i, more = d.member(b, i, t, first); !more {
				return i
			}
		}
		d.at++
		switch {
		case b[i] == '"':
			end, kind := d.marks.next(b, i+1), plain
			if end >= len(b) || b[end] != '"' {
				if end, kind = scanString(b, end); end < 0 {
					return -1
				}
			}
			if e != nil {
				d.text(e, b[i+1:end], kind)
			}
			i = end + 1
		case e == nil:
			i = skipValue(b, i, depth)
		default:
			i = d.known(b, i, e, depth)
		}
		if i < 0 {
			return -1
		}
	}
}

// expected is what the record before had at this place, if this one has the same and a value after it.
func (d *JSON) expected(b []byte, i int, t *keys, first bool) *expected {
	if d.at >= len(d.shape) {
		return nil
	}
	s := &d.shape[d.at]
	if s.in != t || s.first != first {
		return nil
	}
	if len(b)-i < 32 || len(s.raw) > 32 {
		if end := i + len(s.raw); end >= len(b) || string(b[i:end]) != string(s.raw) || b[end] <= ' ' {
			return nil
		}
		return s
	}
	c := b[i : i+32]
	if (binary.LittleEndian.Uint64(c)^s.words[0])&s.masks[0]|
		(binary.LittleEndian.Uint64(c[8:])^s.words[1])&s.masks[1] != 0 {
		return nil
	}
	if len(s.raw) > 16 &&
		(binary.LittleEndian.Uint64(c[16:])^s.words[2])&s.masks[2]|
			(binary.LittleEndian.Uint64(c[24:])^s.words[3])&s.masks[3] != 0 {
		return nil
	}
	if end := i + len(s.raw); end >= len(b) || b[end] <= ' ' { // more space than before
		return nil
	}
	return s
}

// member reads on to the next value of an object and returns what its key leads to. If there is none, the
// index is the one after the object, -1 if that is not valid.
func (d *JSON) member(b []byte, i int, t *keys, first bool) (e *key, after int, more bool) {
	start := i
	i = skipSpace(b, i)
	if i < len(b) && b[i] == '}' {
		return nil, i + 1, false
	}
	if !first {
		if i >= len(b) || b[i] != ',' {
			return nil, -1, false
		}
		i = skipSpace(b, i+1)
	}
	if i >= len(b) || b[i] != '"' {
		return nil, -1, false
	}
	end, kind := stringEnd(b, i+1)
	if end < 0 {
		return nil, -1, false
	}
	name := b[i+1 : end]
	if kind != plain {
		name = d.unquoted(name)
	}
	i = skipSpace(b, end+1)
	if i >= len(b) || b[i] != ':' {
		return nil, -1, false
	}
	if i = skipSpace(b, i+1); i >= len(b) {
		return nil, -1, false
	}
	e = t.find(name)
	if d.at < maxShape && i-start <= maxKey {
		if d.at >= len(d.shape) {
			d.shape = append(d.shape, make([]expected, d.at+1-len(d.shape))...)
		}
		d.shape[d.at].learn(b[start:i], t, e, first)
	}
	return e, i, true
}

// stringEnd returns the index of the quote that ends the string which begins at i, after its opening quote; -1
// if the string is not valid.
func stringEnd(b []byte, i int) (int, uint8) {
	if i = nextMark(b, i); i < len(b) && b[i] == '"' {
		return i, plain
	}
	return scanString(b, i)
}

// reset forgets what was found below a key that is given again.
func (d *JSON) reset(e *key) {
	if e.child != nil {
		for _, f := range e.child.all {
			d.v.kinds[f] = absent
		}
	}
}

// text takes the string under a key that leads to a field.
func (d *JSON) text(e *key, s []byte, kind uint8) {
	d.reset(e)
	if kind != plain {
		s = d.unquoted(s)
	}
	d.v.kinds[e.field], d.v.raw[e.field] = text, s
}

// known reads the value, which is no string, of a key that leads to a field.
func (d *JSON) known(b []byte, i int, e *key, depth int) int {
	d.reset(e)
	f, c, end := e.field, b[i], 0
	switch {
	case c == '{' && e.child != nil:
		d.v.kinds[f] = other
		return d.object(b, i+1, e.child, depth+1)
	case c == '-' || c-'0' <= 9:
		d.v.kinds[f] = number
		end, d.v.nums[f] = scanDecimal(b, i)
	case c == 'n':
		d.v.kinds[f] = null
		end = skipValue(b, i, depth)
	default:
		d.v.kinds[f] = other
		end = skipValue(b, i, depth)
	}
	if end >= 0 {
		d.v.raw[f] = b[i:end]
	}
	return end
}

func (d *JSON) unquoted(s []byte) []byte {
	start := len(d.scratch)
	d.scratch = unquote(d.scratch, s)
	return d.scratch[start:len(d.scratch):len(d.scratch)]
}
