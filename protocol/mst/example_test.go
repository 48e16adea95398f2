package mst_test

import (
	"fmt"

	"github.com/starling-sim/starling/protocol/mst"
)

// One replica finds out what another has that it has not, and the reverse.
func ExamplePuller() {
	profile := mst.MustProfile(mst.Options{Salt: []byte("a secret of the cluster")})
	mine := mst.New(profile, nil).
		Put([]byte("apple"), mst.Digest{1}).
		Put([]byte("pear"), mst.Digest{1})
	theirs := mst.New(profile, nil).
		Put([]byte("apple"), mst.Digest{2}).
		Put([]byte("plum"), mst.Digest{1})

	walk := mst.NewPuller(mine, theirs.Root(), mst.PullOptions{})
	for !walk.Done() {
		for _, want := range walk.Next(100) { // a request
			answer, ok := theirs.Answer(nil, want) // at the other end
			if !ok {
				fmt.Println("the other side has another tree now")
				return
			}
			if err := walk.Receive(want.ID, answer); err != nil {
				fmt.Println(err)
				return
			}
		}
	}
	walk.Drain(func(d mst.Difference) {
		fmt.Printf("%s: mine %t, theirs %t\n", d.Key, d.HasMine, d.HasTheirs)
	})
	// Unordered output:
	// apple: mine true, theirs true
	// pear: mine true, theirs false
	// plum: mine false, theirs true
}

// A proof convinces somebody who knows nothing but the root.
func ExampleProfile_VerifyKey() {
	profile := mst.MustProfile(mst.Options{})
	tree := mst.New(profile, nil).Put([]byte("apple"), mst.Digest{1})
	root, proof := tree.Root(), tree.ProveKey([]byte("pear"))

	_, present, err := profile.VerifyKey(root, []byte("pear"), proof)
	fmt.Println(present, err)
	// Output: false <nil>
}
