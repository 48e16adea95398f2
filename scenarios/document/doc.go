// Package document reads TOML documents into structs and says everything that is
// wrong with them at once: each problem with file, line, column and key, what
// was got and what is wanted, the nearest valid key or value, and the line that
// it is in. Scenarios and the configurations of real nodes are such documents.
//
// [Read] parses a document. [Document.Decode] decodes it into a struct that holds
// the defaults, [Document.CheckTags] checks what the struct's tags say, and the
// caller notes what else is wrong ([Document.Problem]). [Document.Err] is all of
// it, as an [*Error]. [Marshal] writes a struct as a person would, and
// [StructSchema] describes it to editors.
//
// # Tags
//
// The fields of a struct have these tags:
//
//	toml:"key,omitempty"  the key; with an option, a zero that nobody wrote is left out by Marshal
//	doc:"..."             what the key means, for schemas and messages
//	required:"true"       the key must be written
//	enum:"a,b"            the values that text may have
//	min:"1" max:"10"      the bounds of a whole number
//	layout:"table"        a table below another that Marshal writes with a header, not in a line
//
// # Protocols
//
// Both kinds of documents have a key stack, with the names of protocols, and
// tables [protocol.<name>]. [Document.Protocol] and [Document.CheckStack] read
// them, so that a table means the same wherever it stands.
//
// Dependencies: pelletier/go-toml/v2 reads TOML and says where things stand.
package document
