package netmodel

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestDamageChangesEveryPayloadTheSameWayEachTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "payload")
		seed := rapid.Uint64().Draw(t, "seed")
		once := Damage(bytes.Clone(b), seed)
		if len(b) == 0 {
			if len(once) != 0 {
				t.Fatalf("got %x out of nothing", once)
			}
			return
		}
		if bytes.Equal(b, once) {
			t.Fatalf("seed %d left %x as it was", seed, b)
		}
		if len(once) > len(b) {
			t.Fatalf("got %d bytes of %d", len(once), len(b))
		}
		if again := Damage(bytes.Clone(b), seed); !bytes.Equal(once, again) {
			t.Fatalf("got %x and %x", once, again)
		}
	})
}

// A payload of one byte has only eight bits to flip: flips must not cancel out.
func TestDamageOfOneByte(t *testing.T) {
	for seed := range uint64(2000) {
		if got := Damage([]byte{7}, seed); len(got) == 1 && got[0] == 7 {
			t.Fatalf("seed %d did no damage", seed)
		}
	}
}

func TestDamageCutsAQuarterAndFlipsTheRest(t *testing.T) {
	const n = 20_000
	cut, byteHit := 0, [64]int{}
	for seed := range uint64(n) {
		got := Damage(make([]byte, 64), mix(seed))
		if len(got) < 64 {
			cut++
		}
		for i, b := range got {
			if b != 0 {
				byteHit[i]++
			}
		}
	}
	checkShare(t, "cut", cut, n, 0.25)
	for i, hits := range byteHit {
		if hits < n/64 { // three quarters of all have four flips on average
			t.Errorf("byte %d: got hit %d times of %d", i, hits, n)
		}
	}
}
