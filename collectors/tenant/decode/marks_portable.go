//go:build !amd64

package decode

// marks is nextMark on processors without better means.
type marks struct{}

func (marks) restart([]byte, int) {}

func (marks) next(b []byte, i int) int { return nextMark(b, i) }
