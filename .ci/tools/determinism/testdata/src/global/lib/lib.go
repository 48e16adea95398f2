package lib

type Options struct{ Loud bool }

var (
	Default Options
	Names   = map[string]int{}
)
