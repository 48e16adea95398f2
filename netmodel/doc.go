// Package netmodel says how networks behave.
package netmodel
