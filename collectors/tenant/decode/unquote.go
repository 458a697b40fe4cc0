package decode

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unquote appends a valid JSON string's content to dst: escapes resolved, and what is no UTF-8 replaced as
// encoding/json replaces it.
func unquote(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\\':
			i++
			switch s[i] {
			case 'b':
				dst = append(dst, '\b')
			case 'f':
				dst = append(dst, '\f')
			case 'n':
				dst = append(dst, '\n')
			case 'r':
				dst = append(dst, '\r')
			case 't':
				dst = append(dst, '\t')
			case 'u':
				r := hex4(s[i+1 : i+5])
				i += 4
				if utf16.IsSurrogate(r) {
					r2 := utf8.RuneError
					if i+6 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
						r2 = utf16.DecodeRune(r, hex4(s[i+3:i+7]))
					}
					if r2 != utf8.RuneError {
						i += 6
					}
					r = r2
				}
				dst = utf8.AppendRune(dst, r)
			default:
				dst = append(dst, s[i])
			}
			i++
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, n := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
	return dst
}
