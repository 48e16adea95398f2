package channel

type pipe chan int

func all(c chan int, p pipe) int {
	c <- 1             // want `channel: send`
	n := <-c           // want `channel: receive`
	n, ok := <-p       // want `channel: receive`
	for v := range c { // want `channel: range over a channel`
		n += v
	}
	select { // want `channel: select`
	case n = <-c: // want `channel: receive`
	default:
	}
	close(c)          // want `channel: close`
	_ = make(pipe, 3) // want `channel: make`
	_ = ok
	return n
}

func generic[C ~chan int](c C) {
	for range c { // want `channel: range over a channel`
	}
}

func fine(s []int, n int) []int {
	n = -n
	return append(make([]int, 0, n), s...)
}
