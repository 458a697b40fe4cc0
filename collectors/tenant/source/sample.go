package source

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
)

// sampleLines and sampleBytes bound what is read of a file to look at its lines.
const (
	sampleLines = 1000
	sampleBytes = 4 << 20
)

// FirstLines returns the first lines of a file, compressed or not, without those that are empty: at most 1000 lines and
// 4 MiB. A line beyond 1 MiB ends them.
func FirstLines(name string) ([][]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory; name the files in it", name)
	}
	r, err := Inflate(f)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	text := bufio.NewScanner(io.LimitReader(r, sampleBytes))
	text.Buffer(nil, 1<<20)
	var sample [][]byte
	for len(sample) < sampleLines && text.Scan() {
		if line := text.Bytes(); len(line) > 0 {
			sample = append(sample, slices.Clone(line))
		}
	}
	return sample, nil
}
