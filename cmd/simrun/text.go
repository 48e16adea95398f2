package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// plural writes a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// wrapText breaks text into lines of at most width bytes where it has spaces.
func wrapText(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// didYouMean returns a question about the nearest valid name, if there is one.
func didYouMean(nearest string) string {
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", nearest)
}

// eventRate writes events per second of wall time.
func eventRate(events uint64, wall time.Duration) string {
	if wall <= 0 {
		return "-- events/s"
	}
	return siNumber(float64(events)/wall.Seconds()) + " events/s"
}

// siNumber writes three significant digits with k, M or G.
func siNumber(x float64) string {
	suffix := ""
	for _, s := range []string{"k", "M", "G"} {
		if x < 999.5 {
			break
		}
		x, suffix = x/1000, s
	}
	digits := 0
	switch {
	case x == 0 || x >= 99.95:
	case x >= 9.995:
		digits = 1
	default:
		digits = 2
	}
	return strconv.FormatFloat(x, 'f', digits, 64) + suffix
}

// siSeconds writes a time with three significant digits.
func siSeconds(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit*100 {
			return d.Round(unit).String()
		}
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}

// timeLeft says how long the rest of some work takes if it goes on like the
// part that is done. (The library's own estimate divides to whole nanoseconds
// per unit of work first.)
func timeLeft(elapsed time.Duration, done, total int64) string {
	if done <= 0 {
		return "-- left"
	}
	left := time.Duration(float64(elapsed) * float64(total-done) / float64(done))
	return left.Round(time.Second).String() + " left"
}
