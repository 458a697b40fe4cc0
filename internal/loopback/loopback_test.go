package loopback

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

const asked = "THORBIS_LOOPBACK_PORT"

// TestMain is also the other process: it takes the port it is asked for, and says whether it was given.
func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(asked); ok {
		var port int
		_, _ = fmt.Sscan(text, &port)
		fmt.Println(take(port, 1) == nil)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A port whose server has not started yet is not given again: not here, not to another process.
func TestNoneIsGivenTwice(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("ports are held against other processes on Linux only")
	}
	first := blockAfterFree(t)
	for port := first; port < first+3; port++ {
		if take(port, 1) == nil {
			t.Errorf("port %d is given twice", port)
		}
		if elsewhere(t, port) {
			t.Errorf("port %d is given to two processes", port)
		}
	}
	if take(first-1, 2) == nil {
		t.Error("a block is given with a port that was given before")
	}
	if _, held := given[first-1]; held {
		t.Error("what was not given with its block counts as given")
	}
	l, err := net.Listen("unix", socketName(first-1))
	if err != nil {
		t.Errorf("what was not given with its block stays held: %v", err)
	}
	release(l)
}

// blockAfterFree returns the first of three ports that were given, before which there is one that is free.
func blockAfterFree(t *testing.T) int {
	t.Helper()
	for range 100 {
		first, err := FreePorts(3)
		if err != nil {
			t.Fatal(err)
		}
		if l, err := vacant(first - 1); err == nil {
			release(l)
			return first
		}
	}
	t.Fatal("a free port lies before none of a hundred blocks")
	return 0
}

func TestWhatListensIsNotGiven(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if take(l.Addr().(*net.TCPAddr).Port, 1) == nil {
		t.Error("a port is given on which a server listens")
	}
}

func elsewhere(t *testing.T, port int) bool {
	t.Helper()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), fmt.Sprintf("%s=%d", asked, port))
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	line := bufio.NewScanner(out)
	line.Scan()
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	return line.Text() == "true"
}
