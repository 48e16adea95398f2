package netmodel

import (
	"bytes"
	"compress/flate"
	_ "embed" // for the measured latencies
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// Sources, licences and formats of the data stand in data/README.md.

//go:embed data/aws2019_rtt_ms.csv
var aws2019 []byte

//go:embed data/libp2p8_oneway_ms.csv
var libp2p8 []byte

//go:embed data/planetlab490_rtt_us.flate
var planetLab490 []byte

const (
	// AWSSameRegion is the one-way delay between two nodes of one AWS region,
	// which the measurements do not tell. A region's availability zones are
	// within 100 km of each other (AWS, "Regions and Availability Zones"),
	// which light in fibre covers in half a millisecond.
	AWSSameRegion = 500 * time.Microsecond
	// PlanetLabSameSite is the one-way delay between two nodes at one site:
	// half of the smallest round trip measured between two sites.
	PlanetLabSameSite = 43 * time.Microsecond

	planetLabSites = 490
)

// AWS2019 holds the latencies between eleven regions of Amazon Web Services,
// measured in January 2019: round trips in whole milliseconds, halved. Inside
// a region it is AWSSameRegion.
func AWS2019() (*Matrix, error) {
	x, err := ParseMatrix(aws2019)
	if err != nil {
		return nil, fmt.Errorf("AWS 2019: %w", err)
	}
	for i := range x.OneWay {
		x.OneWay[i][i] = AWSSameRegion
	}
	return x, nil
}

// LibP2P8 holds the one-way latencies between eight regions of the world, and
// the numbers of nodes there as weights, that the libp2p project tests with.
func LibP2P8() (*Matrix, error) {
	x, err := ParseMatrix(libp2p8)
	if err != nil {
		return nil, fmt.Errorf("libp2p regions: %w", err)
	}
	x.Weights = []uint64{290, 5599, 1059, 161, 2894, 1240, 47, 36}
	return x, nil
}

// PlanetLab490 holds the latencies between 490 PlanetLab sites: measured round
// trips, rounded to a microsecond and halved. They are symmetric. Between two
// nodes at one site it is PlanetLabSameSite.
func PlanetLab490() (*Matrix, error) {
	const pairs = planetLabSites * (planetLabSites - 1) / 2
	planes := make([]byte, 4*pairs+1)
	n, err := io.ReadFull(flate.NewReader(bytes.NewReader(planetLab490)), planes)
	if err != io.ErrUnexpectedEOF || n != 4*pairs {
		return nil, fmt.Errorf("PlanetLab 490: got %d bytes (%v), want %d", n, err, 4*pairs)
	}
	x := &Matrix{OneWay: make([][]time.Duration, planetLabSites)}
	for i := range x.OneWay {
		x.OneWay[i] = make([]time.Duration, planetLabSites)
		x.OneWay[i][i] = PlanetLabSameSite
	}
	k := 0
	for i := range planetLabSites {
		for j := i + 1; j < planetLabSites; j++ {
			word := [4]byte{planes[k], planes[pairs+k], planes[2*pairs+k], planes[3*pairs+k]}
			rtt := time.Duration(binary.LittleEndian.Uint32(word[:])) * time.Microsecond
			x.OneWay[i][j], x.OneWay[j][i] = rtt/2, rtt/2
			k++
		}
	}
	return x, nil
}
