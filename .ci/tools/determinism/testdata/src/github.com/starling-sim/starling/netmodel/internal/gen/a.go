package a

import "time"

func f(m map[string]float64, use func(string, float64, time.Time)) {
	for k, v := range m {
		v *= 2
		use(k, v, time.Now())
	}
}
