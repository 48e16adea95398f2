package a

import "time"

func f(m map[string]float64, use func(string, float64, time.Time)) {
	for k, v := range m { // want `maprange`
		v *= 2                // want `float`
		use(k, v, time.Now()) // want `wallclock`
	}
}
