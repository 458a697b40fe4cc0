package decode

import "bytes"

// maxColumns bounds the columns of a header.
const maxColumns = 256

// columns are the columns of a log in W3C's extended format, as its last header names them ("Extended Log File Format",
// W3C working draft WD-logfile-960323):
//
//	#Fields: date time c-ip cs-method cs-uri-stem sc-status
type columns struct {
	fields []field // by column
	values [fields][]byte
	stamp  [19]byte // date and time
}

// fieldsOf is how a header of columns begins.
var fieldsOf = []byte("#Fields:")

// HeaderPrefix is how a line begins without which the records after it cannot be read; nil for a format without such
// lines.
func (d *textLine) HeaderPrefix() []byte {
	if !d.format.headed {
		return nil
	}
	return fieldsOf
}

// w3cColumn is the field that a column is.
type w3cColumn struct {
	name  string
	field field
}

// record reads the values of a line between separators. It is NoRequest for a directive, and Syntax for a line that
// does not have the columns of the header before it.
func (c *columns) record(b []byte, separator byte, known []w3cColumn) Outcome {
	if len(b) > 0 && b[0] == '#' {
		if names, ok := bytes.CutPrefix(b, fieldsOf); ok {
			c.header(names, known)
		}
		return NoRequest
	}
	c.values = [fields][]byte{}
	for i, f := range c.fields {
		end := bytes.IndexByte(b, separator)
		if last := i == len(c.fields)-1; (end < 0) != last {
			return Syntax
		}
		if end < 0 {
			c.values[f] = b
			return Counted
		}
		c.values[f], b = b[:end], b[end+1:]
	}
	return Syntax
}

func (c *columns) header(names []byte, known []w3cColumn) {
	c.fields = c.fields[:0]
	for name := range bytes.FieldsSeq(names) {
		f := none
		for _, k := range known {
			if string(name) == k.name {
				f = k.field
			}
		}
		if len(c.fields) == maxColumns {
			c.fields = c.fields[:0]
			return
		}
		c.fields = append(c.fields, f)
	}
}

// value returns what a record has of a field, nil if it has nothing or -.
func (c *columns) value(f field) []byte {
	if v := c.values[f]; string(v) != "-" {
		return v
	}
	return nil
}

// readColumns makes an event of the values of a record. Times are in UTC.
func (d *textLine) readColumns(e *Event, u unit) Outcome {
	c := &d.columns
	var ok bool
	if e.Status, ok = statusOf(c.values[fStatus]); !ok || len(c.values[fStatus]) == 0 {
		return NoStatus
	}
	if e.Host = c.value(fHost); e.Host == nil {
		e.Host = c.value(fHost2)
	}
	if date, at := c.value(fTime), c.value(fTime2); len(date) == 10 && len(at) >= 8 {
		copy(c.stamp[:], date)
		c.stamp[10] = 'T'
		copy(c.stamp[11:], at)
		if e.Time = d.clock.parse(c.stamp[:]); e.Time == 0 {
			return Syntax
		}
	}
	e.setDuration(c.values[fDuration], u)
	e.Bytes, _ = scaled(c.values[fBytes], 0)
	uri := c.value(fPath)
	d.setURI(uri, e)
	if d.probes.Probes != nil {
		e.Probe = d.isProbe(c.value(fAgent), uri, c.value(fClient), nil)
	}
	return Counted
}
