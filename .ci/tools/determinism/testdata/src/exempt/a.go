package exempt

import "time"

//starling:exempt-file channel only the workers use them, between windows

func good(c chan int, m map[string]int, f func()) time.Time {
	c <- 1
	//starling:exempt goroutine joined before the window closes
	go f()
	for range c {
	}
	n := 0
	for _, v := range m { //starling:exempt maprange a sum does not depend on order
		n += v
	}
	return time.Now() //starling:exempt wallclock,maprange printed for people, not recorded // want `exemption: nothing here needs to be exempt from maprange`
}

func bad(f func()) {
	//starling:exempt goroutine // want `exemption: got a reason of 0 words, want at least 3`
	go f() // want `goroutine: go statement`

	//starling:exempt gorutine joined before the window closes // want `exemption: got rule "gorutine", want one of \[maprange goroutine`
	go f() // want `goroutine: go statement`

	//starling:exempt wallclock the wrong rule // want `exemption: nothing here needs to be exempt from wallclock`
	go f() // want `goroutine: go statement`

	//starling:exempt goroutine too far away // want `exemption: nothing here needs to be exempt from goroutine`

	go f() // want `goroutine: go statement`

	//starling:exempt-file goroutine not at the top level // want `exemption: //starling:exempt-file stands inside a declaration`
	go f() // want `goroutine: go statement`

	//starling:exempted goroutine no such directive // want `exemption: got //starling:exempted, want`
	go f() // want `goroutine: go statement`
}
