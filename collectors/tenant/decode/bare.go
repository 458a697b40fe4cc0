package decode

import "bytes"

// quoteBare appends the object at i to dst with quotes around its bare values, and returns the index after the object.
// A bare value is what a log format such as nginx's log_format writes for a variable that stands in JSON without
// quotes, where that is no number of JSON: nothing, -, leading zeros (009), a sign (+12), NaN, or a list of these with
// commas and colons (502, 503 : -). It is false for an object that such values do not explain.
func quoteBare(dst, b []byte, i int) ([]byte, int, bool) {
	for depth := 0; i < len(b); {
		switch c := b[i]; c {
		case '"':
			end, _ := scanString(b, i+1)
			if end < 0 {
				return dst, 0, false
			}
			dst = append(dst, b[i:end+1]...)
			i = end + 1
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		dst = append(dst, b[i])
		i++
		if depth == 0 {
			return dst, i, true
		}
		if b[i-1] != ':' {
			continue
		}
		start := skipSpace(b, i)
		dst = append(dst, b[i:start]...)
		i = start
		if i < len(b) && startsValue[b[i]] {
			continue
		}
		end := bareEnd(b, i)
		value := bytes.TrimRight(b[i:max(i, end)], " \t")
		switch {
		case end < 0:
			return dst, 0, false
		case scanNumber(value, 0) == len(value) && len(value) > 0:
			dst = append(dst, value...)
		case len(value) == 0 || isBare(value):
			dst = append(append(append(dst, '"'), value...), '"')
		default:
			return dst, 0, false
		}
		i += len(value)
	}
	return dst, 0, false
}

// startsValue are the bytes with which a value begins that is no number.
var startsValue = [256]bool{'"': true, '{': true, '[': true, 't': true, 'f': true, 'n': true}

// bareEnd returns the index of the comma or brace after the bare value at i, -1 if there is none.
func bareEnd(b []byte, i int) int {
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '}':
			return i
		case c == ',':
			if next := skipSpace(b, i+1); next < len(b) && b[next] == '"' {
				return i
			}
		case c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z':
		case c == '.' || c == '-' || c == '+' || c == ':' || c == ' ' || c == '\t':
		default:
			return -1
		}
	}
	return -1
}

// isBare reports whether b is one bare value or a list of them.
func isBare(b []byte) bool {
	for {
		i := bytes.IndexAny(b, ",:")
		if i < 0 {
			return isBareItem(bytes.Trim(b, " \t"))
		}
		if !isBareItem(bytes.Trim(b[:i], " \t")) {
			return false
		}
		b = b[i+1:]
	}
}

func isBareItem(b []byte) bool {
	if string(b) == "-" {
		return true
	}
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	switch string(b) {
	case "NaN", "Infinity": // Python
		return true
	}
	i := 0
	for i+1 < len(b) && b[i] == '0' && b[i+1]-'0' <= 9 {
		i++
	}
	return i < len(b) && b[i] != '-' && scanNumber(b, i) == len(b)
}
