package exempt

import "time"

func helper(m map[int]int) time.Time {
	for k := range m {
		go println(k)
	}
	return time.Now()
}
