//go:build !unix

package real

import "os"

func maxRSS(*os.ProcessState) uint64 { return 0 }
