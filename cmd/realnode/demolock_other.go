//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package main

import (
	"errors"
	"io/fs"
	"os"
)

const canLock = false

func tryLock(*os.File) error            { return errors.ErrUnsupported }
func openLock(string) (*os.File, error) { return nil, errors.ErrUnsupported }
func mine(fs.FileInfo) bool             { return false }
