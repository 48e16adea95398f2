// Package transport carries protocol frames between real nodes, as datagrams
// and over streams. It is written once against sockets that a [Network] hands
// out: the host's own ([Plain]) or those of a tunnel.
//
// # Datagrams
//
// A datagram is 8 bytes identity of the sender, 8 bytes identity of the
// receiver (big endian; 0 stands for whoever has the address), and one frame as
// [protocol.AppendFrame] writes it.
//
// # Streams
//
// A connection is opened when the first message for a peer is sent and there is
// none. Who opens it says hello: the four bytes "STRL", one byte version (1), 8
// bytes identity of the sender, 8 bytes identity of the receiver. Who accepts it
// answers in the same shape. After the hello, each side sends messages: 4 bytes
// length (big endian), then a frame. The opener does not wait for the answer
// before it sends, so that a first message takes one round trip and a half, as in
// the virtual world.
//
// Length 0 is a goodbye: the sender will send nothing more on this connection and
// goes on reading until the other side has said goodbye too. That is how idle
// connections end without a loss. A connection that ends without a goodbye is
// broken.
//
// A connection serves both directions: who receives on it answers on it. When
// two nodes open one to each other at the same time, both stay and each sends on
// its own.
//
// # Hostile input
//
// Every byte from outside is untrusted. Version, receiver and size are looked at
// before anything is allocated, memory for a long message grows only as its bytes
// arrive, each address has a token bucket, and there are bounds on connections,
// handshakes and queues ([Limits]). What is refused is counted by [Reason]. No
// datagram is ever answered, and a hello only by one of the same length.
package transport
