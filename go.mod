module github.com/starling-sim/starling

go 1.26.0
