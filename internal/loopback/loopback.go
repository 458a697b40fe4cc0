// Package loopback finds ports of 127.0.0.1 for servers that are started on them: a port is free again between the look
// and the server's start, so none is given twice, by this process or by another one that looks here too.
package loopback

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"sync"
)

// Ports are looked for below those that the kernel gives to outgoing connections (from 32768 on as Linux
// comes): one of that range can be taken by any client between our look and the start of the server.
const firstPort, lastPort = 10240, 30720

// Look for a while only: where nothing may listen, no port is free.
const maxTries = 1000

var (
	givenMu sync.Mutex
	given   = map[int]net.Listener{} // what holds the port's name against other processes, nil where nothing can
)

// FreeAddress returns a port of 127.0.0.1 that is free now and was not given before.
func FreeAddress() (string, error) {
	port, err := FreePorts(1)
	if err != nil {
		return "", err
	}
	return address(port), nil
}

// FreePorts returns the first of count ports one after the other, like FreeAddress.
func FreePorts(count int) (int, error) {
	givenMu.Lock()
	defer givenMu.Unlock()
	var last error
	for range maxTries {
		first := firstPort + rand.IntN(lastPort-firstPort-count)
		if last = take(first, count); last == nil {
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d free ports from %d to %d: %w", count, firstPort, lastPort, last)
}

// take gives all of the ports or none.
func take(first, count int) error {
	held := map[int]net.Listener{}
	for port := first; port < first+count; port++ {
		name, err := vacant(port)
		if err != nil {
			for _, l := range held {
				release(l)
			}
			return err
		}
		held[port] = name
	}
	maps.Copy(given, held)
	return nil
}

// vacant returns what holds the name of a port on which nothing listens and that was not given before.
func vacant(port int) (net.Listener, error) {
	if _, taken := given[port]; taken {
		return nil, fmt.Errorf("port %d was given before", port)
	}
	var name net.Listener
	if runtime.GOOS == "linux" { // elsewhere sockets without a file do not exist, and the random choice has to do
		l, err := net.Listen("unix", socketName(port))
		if err != nil {
			return nil, err
		}
		name = l // until the process ends
	}
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		release(name)
		return nil, err
	}
	return name, l.Close()
}

// socketName is that of a socket without a file, which ends with its process.
func socketName(port int) string { return "@thorbis-port-" + strconv.Itoa(port) }

func release(l net.Listener) {
	if l != nil {
		_ = l.Close()
	}
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
