// Package world is the simulated world of examples/night.
package world
