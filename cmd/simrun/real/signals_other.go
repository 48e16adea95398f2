//go:build !unix

package real

import (
	"errors"
	"os"
)

var errNoSignals = errors.New("processes cannot be stopped on this system")

func freeze(*os.Process) error { return errNoSignals }

func thaw(*os.Process) error { return errNoSignals }

func kill(p *os.Process) error { return p.Kill() }
