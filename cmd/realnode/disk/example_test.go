package disk_test

import (
	"fmt"
	"os"

	"github.com/starling-sim/starling/cmd/realnode/disk"
	"github.com/starling-sim/starling/protocol"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "node")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := disk.Open(dir, disk.Options{Failed: func(err error) { fmt.Println("not ready:", err) }})
	if err != nil {
		fmt.Println(err)
		return
	}
	var b protocol.Batch
	b.Set([]byte("swim/incarnation"), []byte("7"))
	fmt.Println(s.Apply(&b), s.Sync())
	fmt.Println(s.Close())

	s, err = disk.Open(dir, disk.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	value, ok, err := s.Get([]byte("swim/incarnation"))
	fmt.Printf("%s %v %v\n", value, ok, err)
	// Output:
	// <nil> <nil>
	// <nil>
	// 7 true <nil>
}
