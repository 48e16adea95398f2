package pointer

import (
	"fmt"
	"io"
	"reflect"
	"unsafe"
)

type named struct{ n int }

func (*named) String() string { return "named" }

type plain struct {
	name string
	next *plain
}

type flat struct {
	name string
	n    []int
	Sub  *named
}

type hidden struct{ sub *named }

type tree struct{ Children []tree }

type callback struct{ f func() }

func bad(w io.Writer, n *int, p *plain, c chan int, f func(), b []*plain) error {
	_ = fmt.Sprintf("%s at %p", "x", p) // want `pointer: %p prints an address`
	fmt.Fprintln(w, n)                  // want `pointer: printing \*int prints an address`
	fmt.Println(p)                      // want `pointer: printing \*plain prints an address`
	fmt.Print(c, f)                     // want `pointer: printing chan int` `pointer: printing func\(\)`
	_ = fmt.Append(nil, b)              // want `pointer: printing \[\]\*plain`
	_ = uintptr(unsafe.Pointer(n))      // want `pointer: uintptr of an unsafe.Pointer`
	_ = reflect.ValueOf(p).Pointer()    // want `pointer: reflect.Value.Pointer`
	_ = fmt.Sprint(hidden{})            // want `pointer: printing hidden`
	return fmt.Errorf("%v", callback{}) // want `pointer: printing callback`
}

func fine(p *named, f *flat, err error, any any, m map[string]int) error {
	_ = fmt.Sprintf("100 %%p of %v %v %v", p, f, m)
	_ = fmt.Sprintln([]*named{p}, any, tree{})
	_ = uintptr(3) + unsafe.Sizeof(*p)
	return fmt.Errorf("got %d: %w", p.n, err)
}
