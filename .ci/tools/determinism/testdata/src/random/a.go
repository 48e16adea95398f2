package random

import (
	_ "crypto/rand" // want `random: import of crypto/rand`
	_ "crypto/sha256"
	_ "hash/fnv"
	_ "hash/maphash"  // want `random: import of hash/maphash`
	_ "math/rand"     // want `random: import of math/rand`
	v2 "math/rand/v2" // want `random: import of math/rand/v2`
)

func f() int { return v2.IntN(3) }
