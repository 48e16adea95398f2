package float

import "math"

type share float32

const third = 1.0 / 3

func bad(a, b float64, s share, c complex128, n int) int {
	x := a + b                       // want `float: \+ on float64`
	x = a*b - 1                      // want `float: \* on float64` `float: - on float64`
	x = 2 / a                        // want `float: / on float64`
	x += 3                           // want `float: \+= on float64`
	x++                              // want `float: \+\+ on float64`
	s *= 2                           // want `float: \*= on share`
	c = c * c                        // want `float: \* on complex128`
	x = math.Log(x)                  // want `float: math.Log`
	x = math.FMA(a, b, x)            // want `float: math.FMA`
	x = apply(math.Sqrt, x)          // want `float: math.Sqrt`
	_ = int64(x)                     // want `float: conversion of float64 to int64`
	return n + int(float64(n)*third) // want `float: conversion of float64 to int` `float: \* on float64`
}

func generic[T int | float64](a, b T) T {
	return a + b // want `float: \+ on T`
}

func fine(a, b float64, n int) (float64, bool) {
	const scale = third * 3 * math.Pi
	n += len([int(third * 3)]int{})
	a = max(a, scale)
	bits := math.Float64bits(-a) + math.MaxInt64
	return math.Float64frombits(bits), a < b || math.IsNaN(a) || n*2 > int(third*6)
}

func apply(f func(float64) float64, x float64) float64 { return f(x) }

func integers[T int | uint8](a, b T) T { return a * b / 2 }
