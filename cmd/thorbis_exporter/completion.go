package main

import "strings"

// completing returns the arguments by which kingpin completes the name of a command. It takes the default command for
// chosen as soon as there is a word, and then offers no other.
func completing(args []string) []string {
	const flag = "--completion-bash"
	if len(args) < 2 || args[0] != flag || strings.HasPrefix(args[len(args)-1], "-") {
		return args
	}
	for _, word := range args[1 : len(args)-1] {
		if !strings.HasPrefix(word, "-") {
			return args
		}
	}
	return args[:1]
}
